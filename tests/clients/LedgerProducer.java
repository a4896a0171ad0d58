// The Java client's producer with its defaults of durability (acks=all, idempotence): writes NAME-0, NAME-1, ... until standard input ends, and says of each
// record what it was told: "ok VALUE PARTITION OFFSET" or "failed VALUE ERROR". Run as a single source file by tests/clients/failover_java.py.
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

public class LedgerProducer {
    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], topic = args[1], name = args[2];
        int partitions = Integer.parseInt(args[3]);
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("client.id", name);
        properties.put("acks", "all");
        properties.put("enable.idempotence", "true");
        properties.put("linger.ms", "5");
        properties.put("reconnect.backoff.max.ms", "200");
        properties.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        properties.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
        Thread end = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException e) { }
        });
        end.setDaemon(true);
        end.start();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
            for (long number = 0; end.isAlive(); number++) {
                String value = name + "-" + number;
                producer.send(new ProducerRecord<>(topic, (int) (number % partitions), null, value), (metadata, error) -> {
                    synchronized (System.out) {
                        System.out.println(error == null ? "ok " + value + " " + metadata.partition() + " " + metadata.offset() : "failed " + value + " " + error);
                    }
                });
                if (number % 20 == 19)
                    Thread.sleep(10);
            }
        }
        System.out.println("done");
    }
}
