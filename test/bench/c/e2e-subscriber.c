#define _GNU_SOURCE
/* The far end of the end-to-end bench: takes every message and writes when it came.
 *   e2e-subscriber PORT LOG   says "ready" when subscribed and "fix" at the first position; one line a message in LOG:
 *                             monotonic ns, topic, payload, with tabs between
 */
#include <inttypes.h>
#include <mosquitto.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static FILE *log_file;
static int seen;

static void say(const char *word) {
  puts(word);
  fflush(stdout);
}

static void on_connect(struct mosquitto *m, void *of, int code) {
  (void)of;
  if (code != 0 || mosquitto_subscribe(m, NULL, "#", 1) != MOSQ_ERR_SUCCESS) exit(1);
}

static void on_subscribe(struct mosquitto *m, void *of, int id, int n, const int *qos) {
  (void)m, (void)of, (void)id, (void)n, (void)qos;
  say("ready");
}

static int ends(const char *text, const char *with) {
  size_t a = strlen(text), b = strlen(with);
  return a >= b && strcmp(text + a - b, with) == 0;
}

static void on_message(struct mosquitto *m, void *of, const struct mosquitto_message *message) {
  (void)m, (void)of;
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  fprintf(log_file, "%" PRId64 "\t%s\t%.*s\n", (int64_t)t.tv_sec * 1000000000 + t.tv_nsec, message->topic, message->payloadlen,
          (const char *)message->payload);
  int position = ends(message->topic, "/fix") || (ends(message->topic, "/live") && memmem(message->payload, message->payloadlen, "\"lat\":4", 7));
  if (!seen && position) {
    seen = 1;
    say("fix");
  }
}

int main(int argc, char **argv) {
  if (argc != 3 || (log_file = fopen(argv[2], "w")) == NULL) return 64;
  setvbuf(log_file, NULL, _IOLBF, 1 << 20);
  mosquitto_lib_init();
  struct mosquitto *m = mosquitto_new(NULL, true, NULL);
  mosquitto_connect_callback_set(m, on_connect);
  mosquitto_subscribe_callback_set(m, on_subscribe);
  mosquitto_message_callback_set(m, on_message);
  mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
  if (mosquitto_connect(m, "127.0.0.1", atoi(argv[1]), 60) != MOSQ_ERR_SUCCESS) return 1;
  return mosquitto_loop_forever(m, -1, 1) != MOSQ_ERR_SUCCESS;
}
