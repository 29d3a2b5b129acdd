// MLLP receivers over the JDK's own TLS (JSSE), for the tests.
//
//   java JsseReceiver.java GROUPS
//
// GROUPS are those to agree keys in, with colons between them. Each line on standard input,
// "VERSION SUITE KEY SENDERS" ("-" for a suite of its own choice, and for no
// senders to be checked), starts one more receiver with KEY.p12, which checks
// senders against SENDERS.authority.pem. Prints "listening PORT" for it, then
// "received CONTROL_ID LENGTH" for each message, which is acknowledged with AA.
// Ends when its standard input reaches end of file.
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

public class JsseReceiver {
    private static final char[] PASSWORD = "changeit".toCharArray();

    public static void main(String[] arguments) throws Exception {
        // JSSE reads it once, before its first connection.
        System.setProperty("jdk.tls.namedGroups", arguments[0].toLowerCase().replace(':', ','));
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (var line = lines.readLine(); line != null; line = lines.readLine()) {
            listen(line.split(" "));
        }
        System.exit(0);
    }

    private static void listen(String[] words) throws Exception {
        var context = context(words[2], words[3]);
        var server = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(0, 0, InetAddress.getByName("127.0.0.1"));
        server.setEnabledProtocols(new String[] {words[0]});
        if (!words[1].equals("-")) {
            server.setEnabledCipherSuites(new String[] {words[1]});
        }
        server.setNeedClientAuth(!words[3].equals("-"));
        say("listening " + server.getLocalPort());
        start(() -> {
            while (true) {
                var socket = server.accept();
                start(() -> serve(socket));
            }
        });
    }

    private static SSLContext context(String key, String senders) throws Exception {
        var keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(KeyStore.getInstance(new java.io.File(key + ".p12"), PASSWORD), PASSWORD);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust(senders), null);
        return context;
    }

    private static TrustManager[] trust(String senders) throws Exception {
        if (senders.equals("-")) {
            return null;
        }
        var store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (var file = new FileInputStream(senders + ".authority.pem")) {
            var authority = CertificateFactory.getInstance("X.509").generateCertificate(file);
            store.setCertificateEntry("senders", authority);
        }
        var factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static void serve(Socket socket) throws IOException {
        try (socket) {
            var input = new BufferedInputStream(socket.getInputStream());
            for (var content = frame(input); content != null; content = frame(input)) {
                var id = content.split("\r")[0].split("\\|")[9];
                say("received " + id + " " + content.length());
                var ack = "\u000bMSH|^~\\&|JSSE|LAB|S|W|20261123||ACK|R|T|2.5\rMSA|AA|"
                    + id + "\r\u001c\r";
                socket.getOutputStream().write(ack.getBytes(StandardCharsets.ISO_8859_1));
            }
        }
    }

    /** The next frame's content, a character for each byte; null at the end. */
    private static String frame(InputStream input) throws IOException {
        if (input.read() != 0x0b) {
            return null;
        }
        var content = new ByteArrayOutputStream();
        for (int next = input.read(); next != 0x1c; next = input.read()) {
            if (next < 0) {
                throw new IOException("an end inside a frame");
            }
            content.write(next);
        }
        input.read();
        return content.toString(StandardCharsets.ISO_8859_1);
    }

    private interface Task {
        void run() throws Exception;
    }

    private static void start(Task task) {
        new Thread(() -> {
            try {
                task.run();
            } catch (Exception error) {
                System.err.println("JSSE: " + error);
            }
        }).start();
    }

    private static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
