package adapter;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.stream.StreamSupport;

/** Short ways through JSON. What is missing is empty. */
final class Json {
  /** Reads images as data: URLs, too, which are longer than what Jackson takes by itself. */
  static final ObjectMapper MAPPER = new ObjectMapper();

  static {
    StreamReadConstraints.Builder limits = StreamReadConstraints.builder();
    MAPPER.getFactory().setStreamReadConstraints(limits.maxStringLength(1 << 28).build());
  }

  private Json() {}

  static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /** The value at a path such as `video.url`. */
  static JsonNode at(JsonNode value, String path) {
    for (String name : path.split("\\.")) {
      value = value.path(name);
    }
    return value;
  }

  static String text(JsonNode value) {
    return value.isTextual() ? value.asText() : "";
  }

  static List<String> texts(JsonNode list) {
    return StreamSupport.stream(list.spliterator(), false).map(item -> item.asText()).toList();
  }

  static boolean has(JsonNode list, String text) {
    return texts(list).contains(text);
  }

  static List<String> names(JsonNode object) {
    return object.propertyStream().map(member -> member.getKey()).toList();
  }

  static boolean isGiven(JsonNode value) {
    return !value.isMissingNode() && !value.isNull();
  }
}
