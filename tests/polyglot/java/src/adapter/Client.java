package adapter;

import static adapter.Json.object;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpResponse;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.ApiResponse;
import org.openapitools.client.api.VideoModelsApi;
import org.openapitools.client.api.VideosApi;
import org.openapitools.client.model.EditVideoRequest;
import org.openapitools.client.model.ErrorBody;
import org.openapitools.client.model.ExtendVideoRequest;
import org.openapitools.client.model.GenerateVideoRequest;

/** The generated client, and its last answer as the rules read it. */
final class Client {
  /** The generated client's own mapper, which keeps the text that it is given. */
  private final class Mapper extends ObjectMapper {
    Mapper() {
      super(ApiClient.createDefaultObjectMapper());
    }

    @Override
    public ObjectMapper copy() {
      return this;
    }

    @Override
    public <T> T readValue(String text, TypeReference<T> type) throws JsonProcessingException {
      answer.put("text", text);
      return super.readValue(text, type);
    }
  }

  private final ObjectMapper mapper = new Mapper();
  private final VideosApi videos;
  private final VideoModelsApi models;
  private ObjectNode answer = object();

  Client(String baseUrl, String apiKey) {
    HttpClient.Builder http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
    ApiClient client = new ApiClient(http, mapper, baseUrl);
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + apiKey));
    client.setResponseInterceptor(this::keep);
    videos = new VideosApi(client);
    models = new VideoModelsApi(client);
  }

  JsonNode answer() {
    return answer;
  }

  /**
   * Calls an operation with a body, or with the id that is asked for.
   *
   * @return the typed answer as JSON; without members if it is empty, as of a job that still runs
   */
  JsonNode call(String operation, JsonNode input) throws IOException {
    try {
      ApiResponse<?> response =
          switch (operation) {
            case "generateVideo" ->
                videos.generateVideoWithHttpInfo(read(input, GenerateVideoRequest.class));
            case "editVideo" -> videos.editVideoWithHttpInfo(read(input, EditVideoRequest.class));
            case "extendVideo" ->
                videos.extendVideoWithHttpInfo(read(input, ExtendVideoRequest.class));
            case "getVideoModel" -> models.getVideoModelWithHttpInfo(input.asText());
            case "listVideoModels" -> models.listVideoModelsWithHttpInfo();
            default -> videos.getVideoWithHttpInfo(input.asText());
          };
      JsonNode value = mapper.valueToTree(response.getData());
      return value.isNull() ? object() : value;
    } catch (ApiException error) {
      Throwable cause = error.getCause();
      if (cause == null) {
        answer.put("text", error.getResponseBody());
        return mapper.valueToTree(mapper.readValue(error.getResponseBody(), ErrorBody.class));
      } else if (cause instanceof ConnectException
          || cause instanceof HttpConnectTimeoutException) {
        answer = object().put("failure", "not_delivered");
      } else if (!(cause instanceof JsonProcessingException)) {
        answer = object().put("failure", "lost");
      }
      throw (IOException) cause;
    }
  }

  private void keep(HttpResponse<?> response) {
    ObjectNode headers = object();
    response.headers().map().forEach((name, values) -> headers.put(name, values.get(0)));
    answer = object().put("http_status", response.statusCode()).put("text", "");
    answer.set("headers", headers);
  }

  /** The generated type of a body; an empty list counts as not set. */
  private <T> T read(JsonNode body, Class<T> type) throws JsonProcessingException {
    ObjectNode given = body.deepCopy();
    given.removeIf(value -> value.isNull() || value.isArray() && value.isEmpty());
    return mapper.treeToValue(given, type);
  }
}
