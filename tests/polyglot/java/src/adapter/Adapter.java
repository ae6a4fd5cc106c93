package adapter;

import static adapter.Json.object;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.List;

/** The adapter: answers the lines of the conformance kit, one by one. */
public final class Adapter {
  private static final String GENERATOR = "openapi-generator 7.26.0";
  private static final List<String> OPERATIONS =
      List.of("encode", "decode", "check", "look", "post", "wait", "price", "download", "run");

  private final JsonNode document;
  private final Answers answers;
  private final Run run;
  private final Stub stub = new Stub();
  private final Client client = new Client(stub.baseUrl(), "none");

  private Adapter(JsonNode document) throws Exception {
    this.document = document;
    answers = new Answers(document.path("x-waiter"), document.path("x-errors"));
    run = new Run(answers, document.path("x-waiter").path("timeout").asDouble());
  }

  public static void main(String[] arguments) throws Exception {
    Adapter adapter = new Adapter(Json.MAPPER.readTree(new File(arguments[0])));
    PrintStream out = new PrintStream(System.out, true, UTF_8);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    ObjectNode greeting = object().put("adapter", "java").put("generator", GENERATOR);
    out.println(greeting.set("operations", Json.MAPPER.valueToTree(OPERATIONS)));
    try {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        out.println(adapter.reply(Json.MAPPER.readTree(line)));
      }
    } finally {
      adapter.stub.stop();
    }
  }

  private ObjectNode reply(JsonNode request) {
    ObjectNode reply = object().set("id", request.path("id"));
    try {
      String operation = request.path("operation").asText();
      return reply.set("output", answer(operation, request.path("input")));
    } catch (Exception error) { // it is told, and the next line may succeed
      return reply.put("error", error.toString());
    }
  }

  private JsonNode answer(String operation, JsonNode input) throws Exception {
    return switch (operation) {
      case "encode" -> encode(input);
      case "decode" -> decode(input);
      case "check" -> new Check(document, input).findings();
      case "look" -> answers.look(input);
      case "post" -> answers.post(input);
      case "wait" -> await(input);
      case "price" -> object().put("usd", new Check(document, input).price());
      case "download" -> answers.download(input.path("body"));
      case "run" -> run.run(input);
      default -> throw new IllegalArgumentException("there is no operation " + operation);
    };
  }

  private JsonNode encode(JsonNode input) throws Exception {
    stub.tell(object().put("http_status", 202));
    client.call(
        input.path("operation").asText(), input.path(input.has("body") ? "body" : "request_id"));
    return stub.request();
  }

  private JsonNode decode(JsonNode input) throws Exception {
    stub.tell(input);
    String operation = input.path("operation").asText();
    boolean isPost = List.of("generateVideo", "editVideo", "extendVideo").contains(operation);
    JsonNode subject = isPost ? object() : Json.MAPPER.valueToTree("id");
    return object().set("value", client.call(operation, subject));
  }

  private JsonNode await(JsonNode input) {
    ArrayNode pauses = Json.MAPPER.createArrayNode();
    JsonNode given = input.path("answers");
    ObjectNode output =
        answers.await(
            input.path("timeout").asDouble(),
            pause -> given.path(Math.min(pauses.add(pause).size(), given.size()) - 1));
    return output.put("polls", pauses.size()).set("pauses", pauses);
  }
}
