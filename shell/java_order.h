/* The order in which java.util.HashMap hands out what was put into it. Kafka's tools print such maps as they come. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Indices of `keys`, which were put in this order, as iteration gives them. `capacity`: of `new HashMap(capacity)`; 0:
 * `new HashMap()`. The caller's to free. Maps of some hundred keys at most collide too little for Java's trees to
 * matter. */
size_t *java_order(const char *const *keys, size_t count, size_t capacity);
/* The same over hashes (Object.hashCode), where the keys are no strings. */
size_t *java_order_hashes(const uint32_t *hashes, size_t count, size_t capacity);
/* Keys that a broker sends out of a Scala map (settings), in the HashMap of the client: those of one bucket stand by
 * their hash. */
size_t *java_order_of_scala(const char *const *keys, size_t count);
/* scala.collection.immutable.Map: up to four as they came, then the trie of immutable.HashMap. Hashes are those of
 * Object.hashCode. */
size_t *scala_order_hashes(const uint32_t *hashes, size_t count);
/* scala.collection.mutable.HashMap, built by adding one after the other. */
size_t *scala_mutable_order_hashes(const uint32_t *hashes, size_t count);
/* org.apache.kafka.common.TopicPartition.hashCode(). */
uint32_t topic_partition_hash(const char *topic, int32_t partition);
