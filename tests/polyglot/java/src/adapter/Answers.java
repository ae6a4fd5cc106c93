package adapter;

import static adapter.Json.at;
import static adapter.Json.has;
import static adapter.Json.isGiven;
import static adapter.Json.names;
import static adapter.Json.object;
import static adapter.Json.text;
import static adapter.Json.texts;
import static java.time.format.DateTimeFormatter.RFC_1123_DATE_TIME;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Objects;
import java.util.function.DoubleFunction;

/** What an answer means, and when to look next: x-waiter and x-errors. */
record Answers(JsonNode waiter, JsonNode errors) {

  /** The body of an answer: its JSON, or its text where it has none. */
  private static JsonNode body(JsonNode answer) {
    try {
      return answer.has("text")
          ? Json.MAPPER.readTree(answer.path("text").asText())
          : answer.path("body");
    } catch (JsonProcessingException error) {
      return answer.path("text");
    }
  }

  private static boolean isSuccess(JsonNode answer) {
    return answer.path("http_status").asInt() / 100 == 2;
  }

  private static boolean mentions(String told, JsonNode parts) {
    String lower = told.toLowerCase(Locale.ROOT);
    return texts(parts).stream().anyMatch(part -> lower.contains(part.toLowerCase(Locale.ROOT)));
  }

  /** The rule of x-errors for an answer; that of an unreadable one for a success. */
  private JsonNode rule(JsonNode answer) {
    JsonNode body = body(answer);
    int status = answer.path("http_status").asInt();
    String code = "";
    for (String path : texts(at(errors, "bodies.code"))) {
      JsonNode found = at(body, path);
      boolean isCode = found.isTextual() || found.isIntegralNumber();
      code = code.isEmpty() && isCode ? found.asText() : code;
    }
    String told = "";
    for (String path : texts(at(errors, "bodies.text"))) {
      told = told.isEmpty() ? text(at(body, path)) : told;
    }
    told = !told.isEmpty() ? told : body.isTextual() ? body.asText() : body.toString();
    for (JsonNode kind : errors.path("kinds")) {
      boolean hasCode = !kind.has("code") || has(kind.path("code"), code);
      boolean hasText = !kind.has("text") || mentions(told, kind.path("text"));
      if (kind.path("http_status").asInt() == status && hasCode && hasText) {
        return kind;
      }
    }
    for (JsonNode row : errors.path("unlisted")) {
      if (row.path("from").asInt() <= status && status <= row.path("to").asInt()) {
        return row;
      }
    }
    return errors
        .path("failures")
        .path(isSuccess(answer) ? "unreadable" : answer.path("failure").asText());
  }

  ObjectNode look(JsonNode answer) {
    JsonNode status = answer.path("http_status");
    JsonNode rule = rule(answer);
    boolean isNamed = false;
    for (JsonNode acceptor : waiter.path("acceptors")) {
      isNamed |= at(acceptor, "when.http_status.equals").equals(status);
    }
    ObjectNode facts = object().set("error_kind", rule.path("kind"));
    facts.set("http_status", isNamed || !isSuccess(answer) ? status : waiter.path("other_success"));
    for (JsonNode acceptor : waiter.path("acceptors")) {
      if (accepts(acceptor.path("when"), facts, body(answer))) {
        ObjectNode seen = object().set("outcome", acceptor.path("outcome"));
        return acceptor.path("warn").asText().equals("once") ? seen.put("warn", true) : seen;
      }
    }
    return rule.path("get").asText().equals("again")
        ? object().put("outcome", "again")
        : object().put("outcome", "error").set("kind", rule.path("kind"));
  }

  /** Whether all matchers hold; one that asks for a part of the body needs a JSON object. */
  private static boolean accepts(JsonNode when, JsonNode facts, JsonNode body) {
    for (String path : names(when)) {
      JsonNode value = facts.has(path) ? facts.path(path) : at(body, path);
      if (!facts.has(path) && !body.isObject() || !matches(when.path(path), value)) {
        return false;
      }
    }
    return true;
  }

  private static boolean matches(JsonNode matcher, JsonNode value) {
    boolean isMissing = text(value).isEmpty();
    return (!matcher.has("equals") || matcher.path("equals").equals(value))
        && (!matcher.has("mentions") || mentions(text(value), matcher.path("mentions")))
        && (!matcher.has("is") || text(matcher.path("is")).equals("missing") == isMissing);
  }

  /** Seconds of a Retry-After, digits or an HTTP date; null if there is none. */
  private static Double retryAfter(JsonNode answer) {
    String value = header(answer, "retry-after");
    if (value.matches("[0-9]+")) {
      return Double.valueOf(value);
    }
    try {
      Instant sent = header(answer, "date").isEmpty() ? Instant.now() : date(answer, "date");
      return Math.max(Duration.between(sent, date(answer, "retry-after")).toMillis() / 1000.0, 0);
    } catch (DateTimeException none) {
      return null;
    }
  }

  private static Instant date(JsonNode answer, String header) {
    return RFC_1123_DATE_TIME.parse(header(answer, header), Instant::from);
  }

  private static String header(JsonNode answer, String wanted) {
    for (String name : names(answer.path("headers"))) {
      if (name.equalsIgnoreCase(wanted)) {
        return answer.path("headers").path(name).asText();
      }
    }
    return "";
  }

  ObjectNode post(JsonNode answer) {
    JsonNode body = body(answer);
    JsonNode rule = rule(answer);
    JsonNode id = body.path("request_id");
    JsonNode ticks = at(body, "usage.cost_in_usd_ticks");
    boolean isZero = ticks.isNumber() && ticks.asDouble() == 0;
    boolean isFalse = ticks.isBoolean() && !ticks.asBoolean();
    boolean isBilled = !ticks.isMissingNode() && !ticks.isNull() && !isZero && !isFalse;
    boolean isOther = rule.path("kind").asText().equals("other");
    String post = rule.path("post").asText();
    if (isSuccess(answer) && !text(id).isEmpty()) {
      return object().put("outcome", "accepted").set("request_id", id);
    } else if (post.equals("unknown") || (isOther && !text(id).isEmpty())) {
      return object().put("outcome", "unknown");
    } else if (post.equals("again") && !isBilled) {
      return object().put("outcome", "again").put("after", retryAfter(answer));
    }
    return object().put("outcome", "refused").set("kind", rule.path("kind"));
  }

  /**
   * Looks until the job has ended or the time is up; `next` pauses, looks, and returns the answer.
   */
  ObjectNode await(double timeout, DoubleFunction<JsonNode> next) {
    JsonNode last = waiter.path("last_poll");
    JsonNode failed = waiter.path("failed_poll");
    double end =
        timeout
            - Math.min(last.path("before_end").asDouble(), timeout * last.path("part").asDouble());
    boolean hasFailed = false;
    double asked = 0;
    for (double age = 0; ; ) {
      double pause = every(age);
      if (hasFailed) {
        double least = Math.min(asked, failed.path("longest_retry_after").asDouble());
        pause = Math.max(Math.min(pause, failed.path("longest_pause").asDouble()), least);
      }
      boolean isLast = age + pause >= end;
      pause = isLast ? end - age : pause;
      age += pause;
      JsonNode answer = next.apply(pause);
      ObjectNode seen = look(answer);
      hasFailed = seen.path("outcome").asText().equals("again");
      asked = Objects.requireNonNullElse(retryAfter(answer), 0.0);
      if (!hasFailed && !seen.path("outcome").asText().equals("running")) {
        return seen;
      } else if (isLast) {
        return object().put("outcome", "timeout");
      }
    }
  }

  private double every(double age) {
    for (JsonNode row : waiter.path("schedule")) {
      if (row.path("until").isNull() || age < row.path("until").asDouble()) {
        return row.path("every").asDouble();
      }
    }
    throw new IllegalStateException("the schedule has an end");
  }

  /** Where the file of a finished job is, and whether the API key goes there. */
  ObjectNode download(JsonNode body) {
    ObjectNode place = object().put("url", (String) null);
    place.put("authorization", !at(waiter, "result.authorization").asText().equals("never"));
    for (String path : texts(at(waiter, "result.url"))) {
      if (!isGiven(place.path("url")) && !text(at(body, path)).isEmpty()) {
        place.set("url", at(body, path));
      }
    }
    return place;
  }
}
