/* What sim says in English, in Russian. */
#include "tests/harness.h"

#include <string.h>

#include "shell/phrases.h"

static void check_said(const char *expected, const char *english)
{
    struct text out = { 0 };

    phrase_add(LANG_RU, &out, english);
    CHECK_TEXT(expected, text_chars(&out));
    text_done(&out);
}

TEST(a_phrase_tells_the_same_values)
{
    check_said("orders-0: лидер 2, был 1: сессия брокера 1 кончилась", "orders-0: leader 2, was 1: the session of broker 1 ended");
    check_said("my-topic-3-0: ISR 1,2 -> нет: брокер остановлен", "my-topic-3-0: ISR 1,2 -> none: the broker stopped"); /* names have hyphens and digits too */
    check_said("в эпохе 7 главный — контроллер 2", "controller 2 leads in epoch 7");                                     /* its own order of the values */
}

TEST(a_phrase_within_a_phrase_and_a_duration_are_translated)
{
    check_said("chaos: net cut 1 2, на 1 мин 30 с", "chaos: net cut 1 2, for 1 min 30 s");
    check_said("1 <-> clients: каждое сообщение идёт 50 мс и ещё до 20 мс", "1 <-> clients: each message takes 50 ms and up to 20 ms more");
    check_said("  ", "  ");
}

TEST(sentences_are_taken_one_by_one)
{
    check_said("Связь 1 <-> 2: связь оборвана, ничего не проходит. `net heal 1 2` починит её.\n", "Link 1 <-> 2: cut, nothing comes through. `net heal 1 2` makes it whole.\n");
    check_said("Что-то. Брокер 1 убит.\nДругое", "Что-то. Broker 1 was killed.\nДругое");
}

TEST(what_is_not_known_stands_as_it_is)
{
    struct text out = { 0 };

    check_said("", "");
    check_said("Topic 'a' already exists.", "Topic 'a' already exists.");
    check_said("broker one stops fetching whatever it follows", "broker one stops fetching whatever it follows"); /* no number */
    phrase_add(LANG_EN, &out, "broker 1 went down: its power went");
    CHECK_TEXT("broker 1 went down: its power went", text_chars(&out));
    text_done(&out);
}

/* Names come from clients: a long one that nearly fits in many ways is given up, soon. */
TEST(a_text_made_to_fit_in_many_ways_is_given_up)
{
    struct text text = { 0 }, out = { 0 };

    for (int i = 0; i < 1300; i++)
        text_add(&text, " , ");
    phrase_add(LANG_RU, &out, text_chars(&text));
    CHECK_TEXT(text_chars(&text), text_chars(&out));
    for (int i = 0; i < 2000; i++)
        text_add(&text, "-1: broker 1");
    text_clear(&out);
    phrase_add(LANG_RU, &out, text_chars(&text));
    CHECK_TEXT(text_chars(&text), text_chars(&out));
    text_done(&text);
    text_done(&out);
}

/* What is more special stands before what is more general: else it would never be found. */
TEST(no_phrase_hides_another)
{
    for (size_t i = 0; phrase_at(i); i++) {
        struct text made = { 0 };

        for (const char *at = phrase_at(i); *at; at++) {
            if (*at != '%') {
                text_char(&made, *at);
                continue;
            }
            at += strspn(at + 1, "lz") + 1;
            text_add(&made, *at == '%' ? "%" : *at == 's' ? "x" : "7");
        }
        CHECK_TEXT(phrase_at(i), phrase_find(text_chars(&made)));
        text_done(&made);
    }
}
