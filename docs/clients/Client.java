// Ask the exchange and check the receipt. Java 17 or later, nothing to install:
//
//   java Client.java BASE_URL KEY.pem KEY_ID VKEY REQUEST.json
//
// BASE_URL  where the exchange is; with /test at its end the test zone
// KEY.pem   your system's Ed25519 key (PKCS #8); KEY_ID its id, as the exchange told it
// VKEY      the log's public key, got from a place that the operator does not control
//
// In a Spring application `headers` goes into a ClientHttpRequestInterceptor, and Jackson takes the place of `Json`.
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Client {
    public static void main(String[] args) throws Exception {
        URI url = URI.create(args[0].replaceAll("/$", "") + "/graphql");
        byte[] body = Files.readAllBytes(Path.of(args[4]));
        HttpRequest.Builder request = HttpRequest.newBuilder(url).POST(HttpRequest.BodyPublishers.ofByteArray(body));
        headers(url, body, privateKey(Path.of(args[1])), args[2]).forEach(request::header);
        // HTTP/1.1 by name: else the client offers an upgrade to HTTP/2, which loses the body.
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpResponse<byte[]> response =
                client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
        String text = new String(response.body(), StandardCharsets.UTF_8);
        Map<?, ?> answer = (Map<?, ?>) new Json(text).read();
        if (!answer.containsKey("data")) {
            System.err.println(response.statusCode() + " " + text);
            System.exit(1);
        }
        Object index = checkReceipt(text, (Map<?, ?>) answer.get("extensions"), body, args[3]);
        System.out.println(data(text));
        System.out.println("receipt " + index + " holds");
    }

    /** The headers of a signed request (RFC 9421, RFC 9530). */
    static Map<String, String> headers(URI url, byte[] body, PrivateKey key, String keyId) throws Exception {
        String digest = "sha-256=:" + Base64.getEncoder().encodeToString(sha256(body)) + ":";
        byte[] nonce = new byte[16];
        new SecureRandom().nextBytes(nonce);
        long created = Instant.now().getEpochSecond();
        String params = "(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-type\" \"content-digest\")"
                + ";created=" + created + ";expires=" + (created + 60)
                + ";nonce=\"" + HexFormat.of().formatHex(nonce) + "\";keyid=\"" + keyId + "\";tag=\"exchange/1\"";
        String base = "\"@method\": POST\n\"@authority\": " + url.getAuthority() + "\n\"@path\": " + url.getPath()
                + "\n\"@query\": ?\n\"content-type\": application/json\n\"content-digest\": " + digest
                + "\n\"@signature-params\": " + params;
        Signature signer = Signature.getInstance("Ed25519");
        signer.initSign(key);
        signer.update(base.getBytes(StandardCharsets.US_ASCII));
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("content-type", "application/json");
        headers.put("accept", "application/graphql-response+json");
        headers.put("content-digest", digest);
        headers.put("signature-input", "sig=" + params);
        headers.put("signature", "sig=:" + Base64.getEncoder().encodeToString(signer.sign()) + ":");
        return headers;
    }

    /** Check request, answer, leaf, path and signature; returns the entry's index. */
    static Object checkReceipt(String text, Map<?, ?> extensions, byte[] body, String vkey) throws Exception {
        Map<?, ?> receipt = (Map<?, ?>) extensions.get("receipt");
        String entry = (String) receipt.get("entry");
        Map<?, ?> digests = (Map<?, ?>) ((Map<?, ?>) new Json(entry).read()).get("digests");
        Map<?, ?> openings = (Map<?, ?>) receipt.get("openings");
        Map<String, byte[]> held = Map.of("request", body, "answer", data(text).getBytes(StandardCharsets.UTF_8));
        for (String name : held.keySet()) {
            byte[] salt = Base64.getUrlDecoder().decode((String) ((Map<?, ?>) openings.get(name)).get("salt"));
            String found = Base64.getUrlEncoder().withoutPadding().encodeToString(sha256(salt, held.get(name)));
            need(found.equals(digests.get(name)), "another " + name);
        }
        String checkpoint = (String) receipt.get("checkpoint");
        int end = checkpoint.indexOf("\n\n") + 1;
        String[] lines = checkpoint.substring(0, end).split("\n");
        String[] key = vkey.split("\\+", 3);
        long index = (Long) receipt.get("index"), size = (Long) receipt.get("size");
        need(lines[0].equals(key[0]) && Long.parseLong(lines[1]) == size, "a checkpoint of another log");
        byte[] root = root(entry.getBytes(StandardCharsets.UTF_8), index, size, (List<?>) receipt.get("proof"));
        need(Base64.getEncoder().encodeToString(root).equals(lines[2]), "the entry is no leaf of the tree");
        boolean signed = false;
        for (String line : checkpoint.substring(end + 1).split("\n")) {
            String[] parts = line.split(" ");
            if (parts.length != 3 || !parts[1].equals(key[0])) continue;
            byte[] blob = Base64.getDecoder().decode(parts[2]);
            if (!HexFormat.of().formatHex(blob, 0, 4).equals(key[1])) continue;
            Signature verifier = Signature.getInstance("Ed25519");
            verifier.initVerify(publicKey(key[2]));
            verifier.update(checkpoint.substring(0, end).getBytes(StandardCharsets.UTF_8));
            signed |= verifier.verify(Arrays.copyOfRange(blob, 4, blob.length));
        }
        need(signed, "the checkpoint is not signed by the log's key");
        return index;
    }

    /** RFC 9162, 2.1.3.2: the root that a leaf and its proof lead to. */
    static byte[] root(byte[] leaf, long index, long size, List<?> proof) throws Exception {
        byte[] hash = sha256(new byte[] {0}, leaf);
        long node = index, last = size - 1;
        for (Object held : proof) {
            byte[] step = Base64.getDecoder().decode((String) held);
            need(last != 0, "the proof is too long");
            if ((node & 1) == 1 || node == last) {
                hash = sha256(new byte[] {1}, step, hash);
                while ((node & 1) == 0 && node != 0) {
                    node >>= 1;
                    last >>= 1;
                }
            } else {
                hash = sha256(new byte[] {1}, hash, step);
            }
            node >>= 1;
            last >>= 1;
        }
        need(last == 0, "the proof is too short");
        return hash;
    }

    /** The member `data`, exactly as received: the digest of its bytes is in the log. */
    static String data(String text) {
        need(text.startsWith("{\"data\":"), "the answer does not begin with its data");
        Json json = new Json(text);
        json.at = 8;
        json.read();
        return text.substring(8, json.at);
    }

    static PrivateKey privateKey(Path pem) throws Exception {
        String text = Files.readString(pem).replaceAll("-----[A-Z ]+-----|\\s", "");
        return KeyFactory.getInstance("Ed25519")
                .generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
    }

    static PublicKey publicKey(String encoded) throws Exception {
        byte[] raw = Base64.getDecoder().decode(encoded); // One byte of kind, then 32 of the key.
        ByteArrayOutputStream der = new ByteArrayOutputStream();
        der.write(HexFormat.of().parseHex("302a300506032b6570032100"));
        der.write(raw, 1, 32);
        return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der.toByteArray()));
    }

    static byte[] sha256(byte[]... parts) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (byte[] part : parts) digest.update(part);
        return digest.digest();
    }

    static void need(boolean met, String otherwise) {
        if (!met) throw new IllegalStateException(otherwise);
    }

    /** As much of JSON as answers need: objects, lists, texts, whole numbers, true, false, null. */
    static class Json {
        private final String text;
        int at;

        Json(String text) {
            this.text = text;
        }

        Object read() {
            char c = text.charAt(at);
            if (c == '{') {
                Map<String, Object> members = new LinkedHashMap<>();
                at++;
                while (text.charAt(at) != '}') {
                    String name = string();
                    at++;
                    members.put(name, read());
                    if (text.charAt(at) == ',') at++;
                }
                at++;
                return members;
            }
            if (c == '[') {
                List<Object> elements = new ArrayList<>();
                at++;
                while (text.charAt(at) != ']') {
                    elements.add(read());
                    if (text.charAt(at) == ',') at++;
                }
                at++;
                return elements;
            }
            if (c == '"') return string();
            int from = at;
            while (at < text.length() && ",]}".indexOf(text.charAt(at)) < 0) at++;
            String word = text.substring(from, at);
            return switch (word) {
                case "null" -> null;
                case "true", "false" -> word.equals("true");
                default -> Long.valueOf(word);
            };
        }

        private String string() {
            StringBuilder read = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) {
                char c = text.charAt(at);
                if (c == '\\') {
                    c = text.charAt(++at);
                    switch (c) {
                        case 'n' -> c = '\n';
                        case 't' -> c = '\t';
                        case 'r' -> c = '\r';
                        case 'b' -> c = '\b';
                        case 'f' -> c = '\f';
                        case 'u' -> {
                            c = (char) Integer.parseInt(text.substring(at + 1, at + 5), 16);
                            at += 4;
                        }
                        default -> { }
                    }
                }
                read.append(c);
            }
            at++;
            return read.toString();
        }
    }
}
