package adapter;

import static adapter.Json.at;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.MessageDigest;
import java.util.HexFormat;

/** Makes a video at a server, end to end. */
final class Run {
  /** Seconds before a POST is sent again, where the answer doesn't say. */
  private static final double PAUSE = 1;

  private final Answers answers;
  private final double timeout;

  Run(Answers answers, double timeout) {
    this.answers = answers;
    this.timeout = timeout;
  }

  JsonNode run(JsonNode input) throws Exception {
    Client client = new Client(input.path("base_url").asText(), input.path("api_key").asText());
    double speed = input.path("speed").asDouble();
    ObjectNode started = start(client, input, speed);
    JsonNode id = started.path("request_id");
    if (!started.has("request_id")) {
      return started;
    }
    int[] polls = {0};
    JsonNode[] typed = {NullNode.getInstance()};
    ObjectNode output =
        answers.await(
            timeout,
            pause -> {
              sleep(pause / speed);
              polls[0]++;
              typed[0] = call(client, "getVideo", id);
              return client.answer();
            });
    output.put("posts", started.path("posts").asInt()).put("polls", polls[0]).set("request_id", id);
    output.set("cost_in_usd_ticks", at(typed[0], "usage.cost_in_usd_ticks"));
    JsonNode url = answers.download(typed[0]).path("url");
    return output.path("outcome").asText().equals("done") ? fetch(output, url.asText()) : output;
  }

  private ObjectNode start(Client client, JsonNode input, double speed) {
    for (int posts = 1; ; posts++) {
      call(client, input.path("operation").asText(), input.path("body"));
      ObjectNode output = answers.post(client.answer()).put("posts", posts).put("polls", 0);
      String outcome = output.path("outcome").asText();
      if (outcome.equals("refused")) {
        return output.put("outcome", "error");
      } else if (!outcome.equals("again") || posts >= input.path("max_posts").asInt()) {
        return output;
      }
      sleep(output.path("after").asDouble(PAUSE) / speed);
    }
  }

  /** The file comes by a client without the key. */
  private static ObjectNode fetch(ObjectNode output, String url) throws Exception {
    HttpClient client = HttpClient.newBuilder().followRedirects(Redirect.NORMAL).build();
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    HttpResponse<byte[]> response = client.send(request, BodyHandlers.ofByteArray());
    if (response.statusCode() != 200) {
      throw new IOException("the download was answered with " + response.statusCode());
    }
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(response.body());
    output.put("url", url).put("bytes", response.body().length);
    return output.put("sha256", HexFormat.of().formatHex(digest));
  }

  /** The typed answer; null if it can't be read, of which the client's answer tells more. */
  private static JsonNode call(Client client, String operation, JsonNode input) {
    try {
      return client.call(operation, input);
    } catch (IOException error) {
      return NullNode.getInstance();
    }
  }

  private static void sleep(double seconds) {
    try {
      Thread.sleep((long) (seconds * 1000));
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    }
  }
}
