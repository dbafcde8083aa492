/* The end-to-end workload as a C programmer would write it, the limit for all others: one thread, poll() over two ttys and
 * the broker's socket. RMC and GGA of one time are a fix; numbers pass a median of 5 and a Butterworth low-pass of 2nd order
 * at 100 Hz, and a second of them is a message. QoS 1, no disk.
 *   e2e-peer LINE_TTY GNSS_TTY PORT
 */
#include <fcntl.h>
#include <math.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

typedef struct { int fd, length; char text[256]; void (*line)(char *line); } Port;

static struct mosquitto *m;
static char tod[16];
static double lat, lon, speed;
static double w[5], b0, b1, b2, a1, a2, s1, s2, sum, squares, lo, hi;
static long samples, n;

static int open_tty(const char *path) {
  int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  struct termios t;
  if (fd < 0 || tcgetattr(fd, &t)) { perror(path); exit(1); }
  cfmakeraw(&t);
  cfsetspeed(&t, B115200);
  tcsetattr(fd, TCSANOW, &t);
  return fd;
}

static int checks(const char *line) {
  const char *star = strchr(line, '*');
  unsigned char sum8 = 0;
  if (line[0] != '$' || star == NULL) return 0;
  for (const char *c = line + 1; c < star; c++) sum8 ^= (unsigned char)*c;
  return sum8 == strtol(star + 1, NULL, 16);
}

static double degrees(const char *text, const char *half) {
  double v = atof(text), d = floor(v / 100);
  v = d + (v - 100 * d) / 60;
  return *half == 'S' || *half == 'W' ? -v : v;
}

static void gnss_line(char *line) {
  if (!checks(line)) return;
  char *f[24] = {0}, *rest = line;
  int fields = 0;
  while (fields < 24 && (f[fields] = strsep(&rest, ",*")) != NULL) fields++;
  if (strlen(f[0]) != 6 || fields < 10) return;
  if (strcmp(f[0] + 3, "RMC") == 0 && *f[2] == 'A') {
    snprintf(tod, sizeof tod, "%s", f[1]);
    lat = degrees(f[3], f[4]), lon = degrees(f[5], f[6]), speed = atof(f[7]) * 0.514444;
  } else if (strcmp(f[0] + 3, "GGA") == 0 && strcmp(f[1], tod) == 0) {
    char out[256];
    int length = snprintf(out, sizeof out, "{\"t\":\"%s\",\"lat\":%.8f,\"lon\":%.8f,\"speed\":%.3f,\"alt\":%.1f,\"sats\":%d}", tod,
                          lat, lon, speed, atof(f[9]), atoi(f[7]));
    mosquitto_publish(m, NULL, "bench/fix", length, out, 1, false);
  }
}

static void number_line(char *line) {
  char *end;
  double x = strtod(line, &end), v[5];
  if (end == line) return;
  w[samples++ % 5] = x;
  int count = samples < 5 ? (int)samples : 5;
  memcpy(v, w, sizeof v);
  for (int i = 1; i < count; i++)
    for (int j = i; j > 0 && v[j] < v[j - 1]; j--) { double t = v[j]; v[j] = v[j - 1]; v[j - 1] = t; }
  x = v[count / 2];
  if (samples == 1) s1 = x * (1 - b0), s2 = x * (b2 - a2);
  double y = b0 * x + s1;
  s1 = b1 * x - a1 * y + s2, s2 = b2 * x - a2 * y;
  if (n == 0) sum = squares = 0, lo = INFINITY, hi = -INFINITY;
  sum += y, squares += y * y, lo = y < lo ? y : lo, hi = y > hi ? y : hi;
  if (++n < 1000) return;
  char out[256];
  int length = snprintf(out, sizeof out, "{\"n\":%ld,\"mean\":%.3f,\"min\":%.3f,\"max\":%.3f,\"rms\":%.3f}", n, sum / n, lo, hi, sqrt(squares / n));
  mosquitto_publish(m, NULL, "bench/stats", length, out, 1, false);
  n = 0;
}

static void read_port(Port *p) {
  char bytes[4096];
  ssize_t got = read(p->fd, bytes, sizeof bytes);
  for (ssize_t i = 0; i < got; i++) {
    if (bytes[i] == '\n') {
      if (p->length > 0 && p->text[p->length - 1] == '\r') p->length--;
      p->text[p->length] = 0;
      p->line(p->text);
      p->length = 0;
    } else if (p->length < (int)sizeof p->text - 1) p->text[p->length++] = bytes[i];
    else p->length = 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  double k = tan(M_PI * 100 / 1000), norm = 1 / (1 + M_SQRT2 * k + k * k);
  b0 = k * k * norm, b1 = 2 * b0, b2 = b0, a1 = 2 * (k * k - 1) * norm, a2 = (1 - M_SQRT2 * k + k * k) * norm;
  mosquitto_lib_init();
  m = mosquitto_new("bench-c", true, NULL);
  mosquitto_int_option(m, MOSQ_OPT_TCP_NODELAY, 1);
  if (mosquitto_connect(m, "127.0.0.1", atoi(argv[3]), 60) != MOSQ_ERR_SUCCESS) return 1;
  Port ports[2] = {{.fd = open_tty(argv[1]), .line = number_line}, {.fd = open_tty(argv[2]), .line = gnss_line}};
  for (;;) {
    struct pollfd on[3] = {{ports[0].fd, POLLIN, 0}, {ports[1].fd, POLLIN, 0}, {mosquitto_socket(m), POLLIN, 0}};
    if (mosquitto_want_write(m)) on[2].events |= POLLOUT;
    if (poll(on, 3, 1000) < 0) return 1;
    for (int i = 0; i < 2; i++) if (on[i].revents != 0) read_port(&ports[i]);
    if (on[2].revents & POLLIN && mosquitto_loop_read(m, 8) != MOSQ_ERR_SUCCESS) return 1;
    if (on[2].revents & POLLOUT) mosquitto_loop_write(m, 1);
    mosquitto_loop_misc(m);
  }
}
