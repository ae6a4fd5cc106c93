package adapter;

import static adapter.Json.object;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** A server on this machine, which keeps the last request and answers as it was told. */
final class Stub {
  private final HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
  private volatile JsonNode request;
  private volatile JsonNode answer;

  Stub() throws IOException {
    server.createContext("/", this::handle);
    server.start();
  }

  String baseUrl() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  void tell(JsonNode next) {
    answer = next;
  }

  JsonNode request() {
    return request;
  }

  void stop() {
    server.stop(0);
  }

  private void handle(HttpExchange exchange) throws IOException {
    ObjectNode seen = object().put("method", exchange.getRequestMethod());
    seen.put("path", exchange.getRequestURI().getRawPath());
    request = seen.set("body", Json.MAPPER.readTree(exchange.getRequestBody()));
    JsonNode body = answer.path("body");
    String text = body.isMissingNode() ? answer.path("text").asText() : body.toString();
    byte[] content = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    int length = content.length == 0 ? -1 : content.length; // -1 is none, 0 is chunks
    exchange.sendResponseHeaders(answer.path("http_status").asInt(), length);
    exchange.getResponseBody().write(content);
    exchange.close();
  }
}
