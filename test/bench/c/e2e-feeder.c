/* The sensors of the end-to-end bench: two ptys, a number on each of 1000 lines a second (ten every 10 ms) and a receiver's
 * RMC and GGA ten times a second.
 *   e2e-feeder LINE_LINK GNSS_LINK UTC_S LOG   makes both ptys behind these names, says "ready" and feeds until SIGTERM
 * LOG then holds, for each epoch, the moment after its last byte was written (monotonic, ns), its time of day as sent, and its
 * position in 1e-5 minutes; the last line tells when bytes were last left out because nobody read (0: never).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define EPOCHS_MAX 36000
#define STEP_NS 10000000L
/* Bytes that may wait in a tty before its writes are left out: well below what it holds, so that no write is torn. */
#define UNREAD_MAX 2048

typedef struct { int master, slave; int64_t skipped_ns; } Port;
typedef struct { int64_t ns; char tod[16]; long minutes5; } Epoch;

static Epoch epochs[EPOCHS_MAX];
static volatile sig_atomic_t ended;

static void end(int signal) { (void)signal; ended = 1; }

static void die(const char *what) { perror(what); exit(1); }

static Port open_port(const char *link) {
  Port p = {posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), -1, 0};
  if (p.master < 0 || grantpt(p.master) || unlockpt(p.master)) die("pty");
  const char *name = ptsname(p.master);
  p.slave = open(name, O_RDWR | O_NOCTTY);
  if (p.slave < 0) die(name);
  struct termios t;
  tcgetattr(p.slave, &t);
  cfmakeraw(&t);
  cfsetspeed(&t, B115200);
  tcsetattr(p.slave, TCSANOW, &t);
  if (symlink(name, link)) die(link);
  return p;
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int put(Port *p, const char *bytes, int length) {
  int unread = 0;
  ioctl(p->slave, FIONREAD, &unread);
  if (unread > UNREAD_MAX || write(p->master, bytes, length) != length) { p->skipped_ns = now_ns(); return 0; }
  return 1;
}

static int sentence(char *to, const char *body) {
  unsigned char sum = 0;
  for (const char *c = body; *c; c++) sum ^= (unsigned char)*c;
  return sprintf(to, "$%s*%02X\r\n", body, sum);
}

int main(int argc, char **argv) {
  if (argc != 5) return 64;
  Port line = open_port(argv[1]), gnss = open_port(argv[2]);
  time_t utc = atol(argv[3]);
  struct sigaction stop = {.sa_handler = end};
  sigaction(SIGTERM, &stop, NULL);
  puts("ready");
  fflush(stdout);

  struct timespec due;
  clock_gettime(CLOCK_MONOTONIC, &due);
  long samples = 0, n = 0;
  for (long step = 0; !ended; step++) {
    char text[512];
    int length = 0;
    for (int i = 0; i < 10; i++, samples++)
      length += sprintf(text + length, "%d\r\n", 2000 + (int)lround(1000 * sin(2 * M_PI * 10 * (double)samples / 1000)));
    put(&line, text, length);

    if (step % 10 == 0 && n < EPOCHS_MAX) {
      char body[128], tod[16];
      long tenth = step / 10;
      time_t at = utc + tenth / 10;
      struct tm tm;
      gmtime_r(&at, &tm);
      long minutes5 = 2500000 + tenth % 100000;
      snprintf(tod, sizeof tod, "%02d%02d%02d.%02ld", tm.tm_hour, tm.tm_min, tm.tm_sec, tenth % 10 * 10);
      sprintf(body, "GNRMC,%s,A,42%02ld.%05ld,N,01318.50840,E,0.272,89.68,%02d%02d%02d,,,A", tod, minutes5 / 100000,
              minutes5 % 100000, tm.tm_mday, tm.tm_mon + 1, tm.tm_year % 100);
      length = sentence(text, body);
      sprintf(body, "GNGGA,%s,42%02ld.%05ld,N,01318.50840,E,1,12,0.80,124.4,M,39.7,M,,", tod, minutes5 / 100000,
              minutes5 % 100000);
      length += sentence(text + length, body);
      if (put(&gnss, text, length)) {
        epochs[n].ns = now_ns();
        memcpy(epochs[n].tod, tod, sizeof tod);
        epochs[n++].minutes5 = minutes5;
      }
    }
    due.tv_nsec += STEP_NS;
    if (due.tv_nsec >= 1000000000L) { due.tv_nsec -= 1000000000L; due.tv_sec++; }
    while (!ended && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {}
  }

  FILE *log = fopen(argv[4], "w");
  if (log == NULL) die(argv[4]);
  for (long i = 0; i < n; i++) fprintf(log, "%" PRId64 " %s %ld\n", epochs[i].ns, epochs[i].tod, epochs[i].minutes5);
  fprintf(log, "skipped %" PRId64 "\n", line.skipped_ns > gnss.skipped_ns ? line.skipped_ns : gnss.skipped_ns);
  return fclose(log) != 0;
}
