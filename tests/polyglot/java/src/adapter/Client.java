package adapter;

import static adapter.Json.object;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.util.List;
import java.util.Map;
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
  /** The generated client's own mapper. */
  private final ObjectMapper mapper;

  private final VideosApi videos;
  private final VideoModelsApi models;
  private ObjectNode answer = object();

  Client(String baseUrl, String apiKey) {
    ApiClient client = new ApiClient();
    client.updateBaseUri(baseUrl);
    client.setHttpClientBuilder(HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + apiKey));
    mapper = client.getObjectMapper();
    videos = new VideosApi(client);
    models = new VideoModelsApi(client);
  }

  JsonNode answer() {
    return answer;
  }

  /**
   * Calls an operation with a body, or with the id that is asked for.
   *
   * @return the typed answer as JSON; an empty body, such as that of a job that still runs, is null
   */
  JsonNode call(String operation, JsonNode input) throws JsonProcessingException {
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
      keep(response.getStatusCode(), response.getHeaders()).set("body", value);
      return value.isNull() ? object() : value;
    } catch (ApiException error) {
      if (error.getCode() > 0) {
        keep(error.getCode(), error.getResponseHeaders().map())
            .put("text", error.getResponseBody());
        return mapper.valueToTree(read(mapper.readTree(error.getResponseBody()), ErrorBody.class));
      }
      Throwable cause = error.getCause();
      boolean isConnecting =
          cause instanceof ConnectException || cause instanceof HttpConnectTimeoutException;
      boolean isReading = cause instanceof JsonProcessingException;
      answer =
          object()
              .put("failure", isConnecting ? "not_delivered" : isReading ? "unreadable" : "lost");
      throw new UncheckedIOException(error.getMessage(), (IOException) cause);
    }
  }

  private ObjectNode keep(int status, Map<String, List<String>> headers) {
    ObjectNode kept = object();
    headers.forEach((name, values) -> kept.put(name, values.get(0)));
    answer = object().put("http_status", status).set("headers", kept);
    return answer;
  }

  /** The generated type of a body; an empty list counts as not set. */
  private <T> T read(JsonNode body, Class<T> type) throws JsonProcessingException {
    ObjectNode given = body.deepCopy();
    given.removeIf(value -> value.isNull() || value.isArray() && value.isEmpty());
    return mapper.treeToValue(given, type);
  }
}
