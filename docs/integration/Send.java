// Hands a message to Belltower, and again until it is taken:  java Send.java YOUR-OWN-ID < message.json
//
// BELLTOWER_URL is where Belltower is reached, BELLTOWER_KEY a key of your source. Java 17 or later, nothing else.
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Send {
    private static final int TRIES = 6;
    private static final Set<Integer> LATER = Set.of(429, 502, 503, 504);
    private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*\"(msg_[^\"]+)\"");

    /** Returns the message's id. {@code ownId} is the same for each try of one message, which is therefore kept once. */
    static String send(byte[] message, String ownId) throws InterruptedException {
        HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create(System.getenv("BELLTOWER_URL") + "/api/v1/messages"))
            .timeout(Duration.ofSeconds(30))
            .header("Authorization", "Bearer " + System.getenv("BELLTOWER_KEY"))
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", ownId)
            .POST(HttpRequest.BodyPublishers.ofByteArray(message))
            .build();
        for (int tried = 0; tried < TRIES; tried++) {
            long wait = 1L << tried;
            try {
                HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
                if (answer.statusCode() / 100 == 2) {
                    // Whoever has a JSON library reads it with that.
                    Matcher id = ID.matcher(answer.body());
                    return id.find() ? id.group(1) : answer.body();
                }
                if (!LATER.contains(answer.statusCode())) {
                    // Says which field is wrong, and what to change.
                    throw new IllegalArgumentException("refused: " + answer.statusCode() + " " + answer.body());
                }
                wait = answer.headers().firstValueAsLong("Retry-After").orElse(wait);
            } catch (IOException error) {
                System.err.println("not reached: " + error);
            }
            Thread.sleep(Duration.ofSeconds(wait).toMillis());
        }
        throw new IllegalStateException("not taken: keep it, and hand it in later under the same id");
    }

    public static void main(String[] arguments) throws Exception {
        System.out.println(send(System.in.readAllBytes(), arguments[0]));
    }
}
