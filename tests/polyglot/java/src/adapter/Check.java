package adapter;

import static adapter.Json.at;
import static adapter.Json.has;
import static adapter.Json.isGiven;
import static adapter.Json.names;
import static adapter.Json.object;
import static adapter.Json.texts;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The mode of a body, what the contract says against it, and its price: x-modes and x-pricing. */
final class Check {
  private static final String CERTAIN = "H";
  private static final String UNCERTAIN = "M";
  private static final Comparator<List<String>> ORDER =
      Comparator.comparing(finding -> String.join(" ", finding));

  private final JsonNode modes;
  private final JsonNode pricing;
  private final JsonNode seconds;
  private final ObjectNode body;

  /** The fields whose values have the right type. */
  private final ObjectNode sound = object();

  private final Set<List<String>> refused = new TreeSet<>(ORDER);
  private final Set<List<String>> doubted = new TreeSet<>(ORDER);
  private final String mode;
  private String model;

  /** The rules of the mode and the narrower ones of the model, and their sections. */
  private final JsonNode[] rules;

  private final String[] sections;

  Check(JsonNode document, JsonNode input) {
    modes = document.path("x-modes");
    pricing = document.path("x-pricing");
    seconds = input.path("input_seconds");
    body = input.path("body").deepCopy();
    body.removeIf(value -> modes.path("absent").valueStream().anyMatch(value::equals));
    mode = choose(texts(modes.path("calls").path(input.path("call").asText())));
    model = body.path("model").asText(modes.path("default_model").asText());
    for (String known : names(modes.path("models"))) {
      model = has(modes.path("models").path(known).path("aliases"), model) ? known : model;
    }
    JsonNode own = modes.path("models").path(model).path("modes");
    rules = new JsonNode[] {modes.path("modes").path(mode), own.path(mode)};
    sections = new String[] {"x-modes.modes." + mode, "x-modes.models." + model + "." + mode};
    if (mode != null) {
      fields();
      required();
      sound.forEachEntry(this::field);
      media();
    }
  }

  ObjectNode findings() {
    ObjectNode told = object().put("mode", mode);
    told.set("refused", Json.MAPPER.valueToTree(refused));
    return told.set("doubted", Json.MAPPER.valueToTree(doubted));
  }

  private void add(String kind, String field, String section, String confidence) {
    (confidence.equals(CERTAIN) ? refused : doubted).add(List.of(kind, field, section));
  }

  private void range(String field, String section, String confidence) {
    add("out_of_range", field, section, confidence);
  }

  private static String confidence(JsonNode rule) {
    return rule.path("confidence").asText();
  }

  /** The mode that the fields select; null if they select modes that exclude each other. */
  private String choose(List<String> served) {
    Map<String, List<String>> candidates = new LinkedHashMap<>();
    for (String mode : served) {
      List<String> fields = texts(modes.path("modes").path(mode).path("selected_by"));
      candidates.put(mode, fields.stream().filter(body::has).toList());
    }
    candidates.values().removeIf(List::isEmpty);
    if (served.size() == 1 || candidates.isEmpty()) {
      return served.get(0);
    }
    for (String mode : candidates.keySet()) {
      Set<String> taken = new HashSet<>(texts(modes.path("modes").path(mode).path("required")));
      taken.addAll(texts(modes.path("modes").path(mode).path("allowed")));
      if (candidates.values().stream().allMatch(taken::containsAll)) {
        return mode;
      }
    }
    String first = candidates.keySet().iterator().next();
    String section = "x-modes.modes." + first;
    add("mode_conflict", candidates.remove(first).get(0), section, CERTAIN);
    JsonNode forbidden = modes.path("modes").path(first).path("forbidden");
    candidates.values().stream()
        .flatMap(List::stream)
        .filter(forbidden::has)
        .limit(1)
        .forEach(field -> add("mode_conflict", field, section, CERTAIN));
    return null;
  }

  private void fields() {
    JsonNode misnomers = modes.path("misnomers");
    for (String field : names(body)) {
      JsonNode known = modes.path("fields").path(field);
      if (isOfType(body.path(field), known.path("type"))) {
        sound.set(field, body.path(field));
      } else if (isGiven(known)) {
        range(field, sections[0], CERTAIN);
      } else {
        boolean isMisnomer = misnomers.path("body").has(field);
        add("unknown_field", field, isMisnomer ? "x-modes.misnomers" : "x-modes", CERTAIN);
      }
    }
    if (misnomers.path("models").has(model)) {
      add("unknown_field", "model", "x-modes.misnomers", CERTAIN);
    }
    JsonNode lack = modes.path("models").path(model).path("lacks").path(mode);
    if (isGiven(lack)) {
      add("mode_conflict", "model", "x-modes.models." + model, confidence(lack));
    }
  }

  private void required() {
    List<String> missing = new ArrayList<>(texts(rules[0].path("required")));
    List<String> selecting = texts(rules[0].path("selected_by"));
    missing.addAll(
        selecting.stream().anyMatch(body::has)
            ? List.of()
            : selecting.subList(0, Math.min(1, selecting.size())));
    missing.removeIf(body::has);
    missing.forEach(field -> range(field, sections[0], CERTAIN));
    for (String field : names(rules[0].path("required_unless"))) {
      JsonNode need = rules[0].path("required_unless").path(field);
      boolean isMissing = !body.has(field) || isBlank(body.path(field));
      if (isMissing && texts(need.path("fields")).stream().noneMatch(body::has)) {
        range(field, sections[0], confidence(need));
      }
    }
  }

  private void field(String field, JsonNode value) {
    keys(field, value, modes.path("fields").path(field).path("keys"));
    times(field, value, rules[0].path("limits").path(field));
    tags(field, value, rules[0].path("limits").path(field).path("tags"));
    int forbidding = isGiven(rules[0].path("forbidden").path(field)) ? 0 : 1;
    JsonNode forbidden = rules[forbidding].path("forbidden").path(field);
    if (isGiven(forbidden)) {
      add("mode_conflict", field, sections[forbidding], confidence(forbidden));
    }
    int limiting = holds(rules[0].path("limits").path(field), value, seconds) ? 1 : 0;
    JsonNode limit = rules[limiting].path("limits").path(field);
    if (!holds(limit, value, seconds)) {
      List<String> needed = texts(limit.path("certain_with"));
      boolean isBacked = needed.isEmpty() || needed.stream().anyMatch(body::has);
      boolean isSure = isBacked && !has(limit.path("uncertain_for"), model);
      range(field, sections[limiting], isSure ? confidence(limit) : UNCERTAIN);
    }
  }

  private void keys(String field, JsonNode value, JsonNode known) {
    String section = "x-modes.fields." + field;
    if (!known.isObject() || !value.isObject()) {
      return;
    }
    for (String key : names(value)) {
      if (isGiven(value.path(key)) && !known.has(key)) {
        range(field, section, CERTAIN);
      }
    }
    for (String key : names(known)) {
      JsonNode rule = known.path(key);
      JsonNode member = value.path(key);
      boolean isRequired = rule.path("required").asBoolean();
      if (isGiven(member) ? !isOfType(member, rule.path("type")) : isRequired) {
        range(field, section, CERTAIN);
      } else if (!holds(rule, member, object())) {
        range(field, section, confidence(rule));
      }
      keys(field, member, rule.path("keys"));
    }
  }

  private void times(String field, JsonNode items, JsonNode limit) {
    JsonNode times = limit.path("times");
    String bound = times.path("below").asText();
    double end = rules[0].path("limits").path(bound).path("default").asDouble();
    Set<Double> slots = new HashSet<>();
    for (JsonNode item : times.isObject() ? items : object()) {
      JsonNode time = item.path(times.path("key").asText());
      double value = time.asDouble();
      boolean isInside =
          times.path("above").asDouble() < value && value < sound.path(bound).asDouble(end);
      double slot = Math.floor(value * times.path("slots_per_second").asDouble() + 0.5);
      if (!time.isNumber() || !isInside || !slots.add(slot)) {
        range(
            field, sections[0] + ".limits." + field, time.isNumber() ? confidence(limit) : CERTAIN);
      }
    }
  }

  private void tags(String field, JsonNode value, JsonNode tags) {
    double first = tags.path("first").asDouble();
    for (String beside : names(tags.path("first_beside"))) {
      first = body.has(beside) ? tags.path("first_beside").path(beside).asDouble() : first;
    }
    int last = sound.path(tags.path("count_of").asText()).size();
    Matcher matcher = Pattern.compile(tags.path("pattern").asText()).matcher(value.asText());
    while (tags.isObject() && matcher.find()) {
      double number = Double.parseDouble(matcher.group(1));
      if (number < first || number > last) {
        range(field, sections[0] + ".limits." + field + ".tags", confidence(tags));
      }
    }
  }

  /** The values at a path such as `keyframes[].image`; a member that an item lacks is missing. */
  private static List<JsonNode> items(JsonNode body, String path) {
    String[] parts = path.split("\\[]\\.?", 2);
    JsonNode value = body.path(parts[0]);
    if (parts.length == 1) {
      return isGiven(value) ? List.of(value) : List.of();
    }
    return value.valueStream().map(item -> parts[1].isEmpty() ? item : at(item, parts[1])).toList();
  }

  private void media() {
    for (JsonNode kind : modes.path("inputs")) {
      for (String path : texts(kind.path("paths"))) {
        for (JsonNode item : items(sound, path)) {
          flaw(kind, item)
              .ifPresent(confidence -> range(path.split("\\[")[0], "x-modes.inputs", confidence));
        }
      }
    }
    JsonNode voices = modes.path("voices");
    String path = voices.path("path").asText();
    Pattern custom = Pattern.compile(voices.path("custom_pattern").asText());
    for (JsonNode name : items(sound, path)) {
      boolean isKnown =
          has(voices.path("presets"), name.asText()) || custom.matcher(name.asText()).matches();
      if (name.isTextual() && !isKnown) {
        range(path.split("\\[")[0], "x-modes.voices", voices.path("custom_confidence").asText());
      }
    }
  }

  /** The confidence of the first rule that an image, a video or a voice breaks. */
  private Optional<String> flaw(JsonNode kind, JsonNode item) {
    Optional<String> broken = Optional.of(confidence(kind));
    List<String> given =
        texts(kind.path("one_of")).stream().filter(name -> isGiven(item.path(name))).toList();
    JsonNode value = given.size() == 1 ? item.path(given.get(0)) : object();
    if (!value.isTextual() || isBlank(value)) {
      return broken;
    } else if (!has(kind.path("urls"), given.get(0))) {
      return Optional.empty();
    }
    String url = value.asText();
    String scheme = url.split(":", 2)[0].toLowerCase(Locale.ROOT);
    String start = url.split("[?#]", 2)[0].toLowerCase(Locale.ROOT);
    if (!url.contains(":") || !has(kind.path("schemes"), scheme)) {
      return broken;
    } else if (scheme.equals("data")) {
      List<String> types = texts(kind.path("media_types"));
      boolean isListed =
          types.isEmpty()
              || types.contains(url.substring(5).split("[;,]", 2)[0].toLowerCase(Locale.ROOT));
      long size = (url.replaceFirst("=+$", "").length() - url.indexOf(',') - 1) * 3L / 4;
      return broken.filter(
          any -> !isListed || size > kind.path("max_bytes").asLong(Long.MAX_VALUE));
    }
    Pattern pattern = Pattern.compile(modes.path("url_pattern").asText(), Pattern.CASE_INSENSITIVE);
    List<String> suffixes = texts(kind.path("suffixes"));
    boolean isOdd = !suffixes.isEmpty() && suffixes.stream().noneMatch(start::endsWith);
    Optional<String> odd =
        Optional.of(kind.path("suffix_confidence").asText()).filter(any -> isOdd);
    return pattern.matcher(url).matches() ? odd : broken;
  }

  private static boolean isOfType(JsonNode value, JsonNode types) {
    boolean isWhole = value.isNumber() && value.asDouble() % 1 == 0;
    return value.isTextual() && has(types, "string")
        || isWhole && has(types, "integer")
        || value.isNumber() && has(types, "number")
        || value.isBoolean() && has(types, "boolean")
        || value.isObject() && has(types, "object")
        || value.isArray() && has(types, "array");
  }

  private static boolean isBlank(JsonNode value) {
    return value.isTextual() && value.asText().matches("[\\t-\\r ]*");
  }

  /** Whether a value keeps to a limit, as far as the limit says anything of such a value. */
  private static boolean holds(JsonNode limit, JsonNode value, JsonNode seconds) {
    String text = value.asText();
    int length = text.codePointCount(0, text.length());
    BigDecimal tenths = new BigDecimal(seconds.asDouble()).setScale(1, RoundingMode.HALF_EVEN);
    return (!value.isNumber() || within(limit, "minimum", value.asDouble(), "maximum"))
        && (!value.isTextual() || within(limit, "min_length", length, "max_length"))
        && (!value.isArray() || within(limit, "min_items", value.size(), "max_items"))
        && (!seconds.isNumber()
            || within(limit, "min_seconds", tenths.doubleValue(), "max_seconds"))
        && (limit.path("blank").asBoolean(true) || !isBlank(value))
        && (!limit.has("values") || has(limit.path("values"), text));
  }

  private static boolean within(JsonNode limit, String least, double size, String most) {
    return limit.path(least).asDouble(size) <= size && size <= limit.path(most).asDouble(size);
  }

  /** The most that the request can cost in USD; null where no price is known. */
  String price() {
    JsonNode prices = pricing.path("models").path(model);
    if (mode == null || prices.isMissingNode()) {
      return null;
    }
    JsonNode limits = rules[0].path("limits");
    double longest = at(limits, "video.max_seconds").asDouble();
    double input = seconds.asDouble(longest);
    double output = body.path("duration").asDouble(at(limits, "duration.default").asDouble());
    if (pricing.path("seconds").path(mode).asText().equals("input")) {
      output = Math.min(input, longest);
    }
    double usd = 0;
    for (String charge : texts(pricing.path("charges").path(mode))) {
      JsonNode price = prices.path(charge);
      double dearest = price.valueStream().mapToDouble(JsonNode::asDouble).max().orElse(0);
      String resolution = body.path("resolution").asText(at(limits, "resolution.default").asText());
      usd +=
          switch (charge) {
            case "output_second" -> output * price.path(resolution).asDouble(dearest);
            case "input_image" ->
                texts(at(modes, "inputs.image.paths")).stream()
                        .mapToInt(path -> items(body, path).size())
                        .sum()
                    * price.asDouble();
            default -> input * price.asDouble();
          };
    }
    if (body.has("storage_options")) {
      double most = at(modes, "fields.storage_options.keys.expires_after.maximum").asDouble();
      JsonNode asked = at(body, "storage_options.expires_after");
      double days = (asked.isNumber() ? asked.asDouble() : most) / 86400;
      double size = at(pricing, "assume.stored_bytes").asDouble() / (1 << 30);
      usd += at(pricing, "storage.gib_day").asDouble() * days * size;
    }
    return new BigDecimal(usd).setScale(10, RoundingMode.HALF_EVEN).toPlainString();
  }
}
