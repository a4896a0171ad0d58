import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.zip.CRC32C;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.clients.consumer.internals.ConsumerProtocol;
import org.apache.kafka.common.*;

/**
 * Groups by chance, and what the assignors of the kafka-clients on the class path give to whom:
 *
 *   java -cp '.:LIBS/*' Assignors STRATEGY CASES SEED      (LIBS: the folder of one release's jars)
 *
 * Each round of a group is two lines, see ../README.md. Members' subscriptions pass through ConsumerProtocol, as they do on their way to a
 * leader. A group lives a few rounds: in each, members come, go, forget, change their minds, and partitions are added.
 */
public class Assignors {
    static final String[] NAMES = {"t0", "t1", "letters", "orders", "topic.7", "a", "zz", "payments-eu"};
    static final String[] RACKS = {"a", "b", "c"};
    static Random random;

    static class Topic {
        String name;
        List<List<String>> partitions = new ArrayList<>();   // the racks of each one's replicas; null: a broker without

        public String toString() {
            StringJoiner racks = new StringJoiner("/");
            boolean any = false;
            for (List<String> p : partitions) {
                StringJoiner one = new StringJoiner("+");
                for (String r : p) {
                    one.add(r == null ? "-" : r);
                    any |= r != null;
                }
                racks.add(one.toString());
            }
            return name + ":" + partitions.size() + (any ? ":" + racks : "");
        }
    }

    static class Member {
        String id, instance, rack;
        TreeSet<String> topics = new TreeSet<>();
        List<TopicPartition> has = new ArrayList<>();
        int generation = -1, told = -1;                      // of what it has; in its subscription itself (4.3)
    }

    static class Group {
        String strategy;
        List<Topic> topics = new ArrayList<>();
        List<Member> members = new ArrayList<>();
        boolean racks, equal, statics;
        int generation = 5;
    }

    static boolean sometimes(double p) {
        return random.nextDouble() < p;
    }

    // ---- making groups

    static List<String> replicas(Group g) {
        List<String> all = new ArrayList<>();
        int n = g.racks ? 1 + random.nextInt(2) : 1;
        for (int i = 0; i < n; i++)
            all.add(!g.racks || sometimes(0.07) ? null : RACKS[random.nextInt(RACKS.length)]);
        return all;
    }

    static Topic topic(Group g, String name, int count) {
        Topic t = new Topic();
        t.name = name;
        for (int i = 0; i < count; i++)
            t.partitions.add(replicas(g));
        return t;
    }

    static void subscribe(Group g, Member m) {
        m.topics.clear();
        for (Topic t : g.topics)
            if (g.equal || sometimes(0.6))
                m.topics.add(t.name);
        if (m.topics.isEmpty())
            m.topics.add(g.topics.get(random.nextInt(g.topics.size())).name);
    }

    static Member member(Group g) {
        Member m = new Member();
        m.id = "" + (char) ('a' + random.nextInt(26)) + Integer.toHexString(random.nextInt(0x10000));
        for (Member other : g.members)
            if (other.id.equals(m.id))
                m.id += "x";
        if (g.statics && sometimes(0.5))
            m.instance = "i" + g.members.size() + random.nextInt(100);
        if (g.racks && sometimes(0.9))
            m.rack = RACKS[random.nextInt(RACKS.length)];
        subscribe(g, m);
        return m;
    }

    static Group group(String strategy, boolean newer) {
        Group g = new Group();
        g.strategy = strategy;
        g.equal = sometimes(0.4);
        g.racks = newer && !strategy.equals("roundrobin") && sometimes(0.6);
        g.statics = sometimes(0.3);
        List<String> names = new ArrayList<>(Arrays.asList(NAMES));
        Collections.shuffle(names, random);
        boolean same = sometimes(0.3);                       // as many partitions in each, as range likes them
        int count = 1 + random.nextInt(7), topics = 1 + random.nextInt(4);
        for (int i = 0; i < topics; i++)
            g.topics.add(topic(g, names.get(i), same ? count : random.nextInt(9)));
        if (sometimes(0.3))                                  // replicas of equal partitions on equal racks
            for (Topic t : g.topics)
                for (int p = 0; p < t.partitions.size(); p++)
                    if (p < g.topics.get(0).partitions.size())
                        t.partitions.set(p, g.topics.get(0).partitions.get(p));
        int members = 1 + random.nextInt(6);
        for (int i = 0; i < members; i++)
            g.members.add(member(g));
        if (sometimes(0.5))
            claim(g);
        return g;
    }

    /** what members say that they have, without a round before */
    static void claim(Group g) {
        double gap = random.nextDouble() * 0.5, doubly = sometimes(0.3) ? 0.2 : 0;
        List<TopicPartition> all = new ArrayList<>();
        for (Topic t : g.topics)
            for (int p = 0; p < t.partitions.size(); p++)
                all.add(new TopicPartition(t.name, p));
        if (sometimes(0.2))
            all.add(new TopicPartition("gone", 0));
        Collections.shuffle(all, random);
        int heavy = random.nextInt(g.members.size());
        for (TopicPartition tp : all) {
            if (sometimes(gap))
                continue;
            do
                g.members.get(sometimes(0.3) ? heavy : random.nextInt(g.members.size())).has.add(tp);
            while (sometimes(doubly));
        }
        boolean old = sometimes(0.3);
        for (Member m : g.members) {
            m.has = new ArrayList<>(new LinkedHashSet<>(m.has));
            if (sometimes(0.7)) {
                m.generation = m.told = old ? 3 + random.nextInt(3) : 5;
                if (sometimes(0.1))
                    m.told = m.generation + (sometimes(0.5) ? 1 : -1);
                if (sometimes(0.1))
                    m.told = -1;
            }
        }
    }

    static void change(Group g, Map<String, Assignment> given) {
        for (Member m : g.members)
            if (!sometimes(0.05)) {                          // else it misses this generation
                m.has = new ArrayList<>(given.get(m.id).partitions());
                m.generation = m.told = g.generation;
            }
        g.generation++;
        if (sometimes(0.4) && g.members.size() > 1)
            g.members.remove(random.nextInt(g.members.size()));
        if (sometimes(0.5))
            g.members.add(random.nextInt(g.members.size() + 1), member(g));
        if (sometimes(0.2)) {
            Topic t = g.topics.get(random.nextInt(g.topics.size()));
            t.partitions.add(replicas(g));
        }
        if (sometimes(0.2) && !g.equal)
            subscribe(g, g.members.get(random.nextInt(g.members.size())));
        if (sometimes(0.1))
            for (Member m : g.members)
                if (sometimes(0.3)) {
                    m.generation = m.told = -1;
                    m.has.clear();
                }
    }

    // ---- asking the assignor

    static ConsumerPartitionAssignor assignor(String strategy) {
        switch (strategy) {
            case "range": return new RangeAssignor();
            case "roundrobin": return new RoundRobinAssignor();
            case "sticky": return new StickyAssignor();
            default: return new CooperativeStickyAssignor();
        }
    }

    static Constructor<?> newer;

    static ByteBuffer subscription(String strategy, Member m) throws Exception {
        ConsumerPartitionAssignor its = assignor(strategy);
        if (m.generation >= 0)
            its.onAssignment(new Assignment(m.has), new ConsumerGroupMetadata("g", m.generation, m.id, Optional.ofNullable(m.instance)));
        Set<String> topics = new HashSet<>(m.topics);
        ByteBuffer data = its.subscriptionUserData(topics);
        List<TopicPartition> owned = strategy.equals("cooperative-sticky") ? m.has : Collections.emptyList();
        Object s = newer == null ? new Subscription(new ArrayList<>(topics), data, owned)
                                 : newer.newInstance(new ArrayList<>(topics), data, owned, m.told, Optional.ofNullable(m.rack));
        return ConsumerProtocol.serializeSubscription((Subscription) s);
    }

    static String checksum(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        return String.format("%08x", crc.getValue());
    }

    static Node[] nodes(List<String> racks) {
        Node[] nodes = new Node[racks.size()];
        for (int i = 0; i < nodes.length; i++)
            nodes[i] = new Node(racks.get(i) == null ? 99 : racks.get(i).charAt(0), "localhost", 9092, racks.get(i));
        return nodes;
    }

    static String text(List<TopicPartition> partitions) {
        StringJoiner j = new StringJoiner(",");
        for (TopicPartition tp : partitions)
            j.add(tp.topic() + "/" + tp.partition());
        return j.toString();
    }

    static String some(String s) {
        return s == null ? "" : s;
    }

    static Map<String, Assignment> round(Group g, StringBuilder out) throws Exception {
        Map<String, Subscription> subscriptions = new HashMap<>();
        StringJoiner topics = new StringJoiner(",");
        List<PartitionInfo> infos = new ArrayList<>();
        Set<Node> all = new HashSet<>();
        for (Topic t : g.topics) {
            topics.add(t.toString());
            for (int p = 0; p < t.partitions.size(); p++) {
                Node[] nodes = nodes(t.partitions.get(p));
                infos.add(new PartitionInfo(t.name, p, nodes[0], nodes, nodes));
                all.addAll(Arrays.asList(nodes));
            }
        }
        out.append(g.strategy).append(' ').append(topics);
        for (Member m : g.members) {
            ByteBuffer bytes = subscription(g.strategy, m);
            out.append(' ').append(m.id).append('|').append(String.join(",", m.topics)).append('|').append(text(m.has)).append('|').append(m.generation);
            out.append('|').append(m.told).append('|').append(some(m.instance)).append('|').append(some(m.rack)).append('|').append(checksum(bytes));
            Subscription s = ConsumerProtocol.deserializeSubscription(bytes);
            s.setGroupInstanceId(Optional.ofNullable(m.instance));
            subscriptions.put(m.id, s);
        }
        Cluster cluster = new Cluster("c", all, infos, Collections.emptySet(), Collections.emptySet());
        Map<String, Assignment> given = assignor(g.strategy).assign(cluster, new GroupSubscription(subscriptions)).groupAssignment();
        out.append("\n ");
        for (Member m : g.members) {
            Assignment a = given.get(m.id);
            out.append(' ').append(m.id).append('=').append(text(a.partitions())).append('|').append(checksum(ConsumerProtocol.serializeAssignment(a)));
        }
        out.append('\n');
        return given;
    }

    public static void main(String[] args) throws Exception {
        random = new Random(Long.parseLong(args[2]));
        for (Constructor<?> c : Subscription.class.getConstructors())
            if (c.getParameterCount() == 5)
                newer = c;
        int cases = Integer.parseInt(args[1]), refused = 0;
        while (cases > 0) {
            Group g = group(args[0], newer != null);
            try {
                for (int rounds = 1 + random.nextInt(3); rounds > 0 && cases > 0; rounds--) {
                    StringBuilder out = new StringBuilder();
                    Map<String, Assignment> given = round(g, out);
                    System.out.print(out);
                    cases--;
                    change(g, given);
                }
            } catch (RuntimeException e) {                   // Kafka's own assignor fails: such a group has no answer
                System.err.println(e);
                refused++;
            }
        }
        System.err.println(refused + " groups without an answer");
    }
}
