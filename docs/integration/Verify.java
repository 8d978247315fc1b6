// Whether a webhook is Belltower's:  java Verify.java WEBHOOK-ID WEBHOOK-TIMESTAMP WEBHOOK-SIGNATURE < body
//
// BELLTOWER_SECRET is the endpoint's secret, whsec_…. Standard Webhooks 1.0.0. Java 11 or later, nothing else.
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Verify {
    private static final long TOLERANCE = 5 * 60;
    private static final Pattern TYPE = Pattern.compile("\"type\"\\s*:\\s*\"([^\"]+)\"");

    /** The event. Takes the body as it came, before anything has parsed it. */
    static String verify(String secret, String id, String timestamp, String signatures, byte[] body)
            throws GeneralSecurityException {
        if (Math.abs(System.currentTimeMillis() / 1000 - Long.parseLong(timestamp)) > TOLERANCE) {
            throw new SecurityException("too old, or from the future: somebody may be replaying it");
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(StandardCharsets.UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(StandardCharsets.UTF_8);
        // While a secret is being replaced there are two.
        for (String one : signatures.split(" ")) {
            if (MessageDigest.isEqual(expected, one.getBytes(StandardCharsets.UTF_8))) {
                return new String(body, StandardCharsets.UTF_8);
            }
        }
        throw new SecurityException("not signed with this secret");
    }

    public static void main(String[] arguments) throws Exception {
        String secret = System.getenv("BELLTOWER_SECRET");
        byte[] body = System.in.readAllBytes();
        // Whoever has a JSON library reads it with that.
        Matcher type = TYPE.matcher(verify(secret, arguments[0], arguments[1], arguments[2], body));
        System.out.println(type.find() ? type.group(1) : "no event");
    }
}
