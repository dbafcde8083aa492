/* The chains of filter-set.ts, each as a C programmer would write it: one loop over a burst, everything in it. Coefficients
 * come as arguments; the samples are doubles. Each chain is compiled twice: plain, with values and nothing else; and full,
 * which takes an instant and a quality word with each sample, leaves out what is missing, suspect or no number, and reports
 * each row with its instant and the joined words. Still less than the product does with marked samples: it holds no value
 * in their place and does not warm up anew. No sample of the bench is marked.
 *   chains verify NAME SAMPLES BURST COEFFICIENT...         writes every reported row of doubles
 *   chains time NAME SAMPLES BURST PASSES COEFFICIENT...    prints ns per sample, one line for each pass
 *   chains verify-full ..., chains time-full ...            the same with instants and quality
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static double coefficient[64], *out;
static long put;

/* The instants and quality words of the rows; the bits of samples not yet reported. */
enum { SUSPECT = 1 << 2, MISSING = 1 << 3 };
static double *instants;
static uint16_t *quality, waiting;
static long rows;

#define ARGUMENTS const double *x, const double *t, const uint16_t *q, int n
#define CHAIN(name) static inline __attribute__((always_inline)) void name##_any(ARGUMENTS, const int full)
#define BOTH(name) \
  static void name##_plain(ARGUMENTS) { name##_any(x, t, q, n, 0); } \
  static void name##_full(ARGUMENTS) { name##_any(x, t, q, n, 1); }
/* The first statement of each loop over samples, and what goes with each row. */
#define TAKE \
  if (full) { \
    uint16_t word = x[i] - x[i] == 0 ? q[i] : q[i] | MISSING; \
    bits |= word; \
    if (word & (MISSING | SUSPECT)) continue; \
  }
#define TELL \
  if (full) instants[rows] = t[i], quality[rows++] = bits, bits = 0;

/* Second-order sections, settled on the first value. */
typedef struct { double b0, b1, b2, a1, a2, s1, s2; } Section;
static Section sections[4];
static int settled;

static void settle(int count, double u) {
  for (int k = 0; k < count; k++) {
    Section *s = &sections[k];
    memcpy(s, coefficient + 5 * k, 5 * sizeof(double));
    double y = u * (s->b0 + s->b1 + s->b2) / (1 + s->a1 + s->a2);
    s->s2 = s->b2 * u - s->a2 * y, s->s1 = s->b1 * u - s->a1 * y + s->s2;
    u = y;
  }
  settled = 1;
}

static inline double section(Section *s, double u) {
  double y = s->b0 * u + s->s1;
  s->s1 = s->b1 * u - s->a1 * y + s->s2, s->s2 = s->b2 * u - s->a2 * y;
  return y;
}

/* Statistics of a group of samples. */
typedef struct { double sum, squares, lo, hi; int n; } Group;
static Group group = {0, 0, INFINITY, -INFINITY, 0};

static inline void gather(Group *g, double y) {
  g->sum += y, g->squares += y * y, g->lo = MIN(g->lo, y), g->hi = MAX(g->hi, y), g->n++;
}

static void report(Group *g, double x) {
  double row[6] = {x, g->lo, g->hi, g->sum / g->n, g->squares / g->n, g->n};
  memcpy(out + put, row, sizeof row);
  put += 6;
  *g = (Group){0, 0, INFINITY, -INFINITY, 0};
}

CHAIN(sender) {
  uint16_t bits = waiting;
  static double window[15], sum;
  static int head, length;
  Group g = group;
  double scale = coefficient[0], offset = coefficient[1];
  for (int i = 0; i < n; i++) {
    TAKE
    double y = scale * MIN(MAX(x[i], 4), 20) + offset;
    sum += y - window[head], window[head] = y;
    head = head == 14 ? 0 : head + 1;
    if (length < 15) length++;
    gather(&g, sum / length);
    if (g.n == 10) {
      report(&g, g.sum / g.n);
      TELL
    }
  }
  group = g;
  waiting = bits;
}
BOTH(sender)

CHAIN(band_rms) {
  uint16_t bits = waiting;
  static double squares;
  static int count;
  if (!settled) settle(3, x[0]);
  Section a = sections[0], b = sections[1], c = sections[2];
  for (int i = 0; i < n; i++) {
    TAKE
    double y = section(&c, section(&b, section(&a, x[i])));
    squares += y * y;
    if (++count == 800) {
      out[put++] = sqrt(squares / count), squares = count = 0;
      TELL
    }
  }
  sections[0] = a, sections[1] = b, sections[2] = c;
  waiting = bits;
}
BOTH(band_rms)

CHAIN(peak) {
  uint16_t bits = waiting;
  static double most;
  static int count;
  if (!settled) settle(1, x[0]);
  Section a = sections[0];
  for (int i = 0; i < n; i++) {
    TAKE
    double y = fabs(section(&a, x[i]));
    most = MAX(most, y);
    if (++count == 800) {
      out[put++] = most, most = count = 0;
      TELL
    }
  }
  sections[0] = a;
  waiting = bits;
}
BOTH(peak)

CHAIN(kurtosis) {
  uint16_t bits = waiting;
  static double seen[800], sum;
  static int count;
  if (!settled) settle(1, x[0]);
  Section a = sections[0];
  for (int i = 0; i < n; i++) {
    TAKE
    seen[count] = section(&a, x[i]);
    sum += seen[count++];
    if (count < 800) continue;
    double mean = sum / count, second = 0, fourth = 0;
    for (int k = 0; k < count; k++) {
      double d = (seen[k] - mean) * (seen[k] - mean);
      second += d, fourth += d * d;
    }
    out[put++] = fourth * count / (second * second);
    TELL
    sum = count = 0;
  }
  sections[0] = a;
  waiting = bits;
}
BOTH(kurtosis)

CHAIN(spikes) {
  uint16_t bits = waiting;
  static double age[7], rank[7], y, z;
  static int head, length, started;
  double share = coefficient[0], rise = coefficient[1];
  for (int i = 0; i < n; i++) {
    TAKE
    double v = x[i];
    int r;
    if (length == 7) {
      for (r = 0; rank[r] != age[head]; r++) {}
      for (length--; r < length; r++) rank[r] = rank[r + 1];
    }
    age[head] = v, head = head == 6 ? 0 : head + 1;
    for (r = length++; r > 0 && rank[r - 1] > v; r--) rank[r] = rank[r - 1];
    rank[r] = v;
    if (length >= 3) {
      int half = length >> 1, odd = length & 1, below = half - 1 + odd, above = below + 1;
      double middle = odd ? rank[half] : (rank[half - 1] + rank[half]) / 2, d = 0, before = 0;
      for (int k = 0; k <= half; k++) {
        before = d;
        if (above >= length || (below >= 0 && middle - rank[below] <= rank[above] - middle)) d = middle - rank[below--];
        else d = rank[above++] - middle;
      }
      if (!odd) d = (before + d) / 2;
      if (fabs(v - middle) > 3 * 1.4826 * d) v = middle;
    }
    y = started ? y + share * (v - y) : v;
    z = !started ? y : y - z > rise ? z + rise : y;
    started = 1;
    out[put++] = z;
    TELL
  }
  waiting = bits;
}
BOTH(spikes)

/* The samples before the burst lie in front of it. */
static double history[16 + 4096];

CHAIN(slope) {
  uint16_t bits = waiting;
  static long seen, told;
  static double last;
  static int started;
  Group g = group;
  double *h = history + 16;
  memcpy(h, x, n * sizeof(double));
  for (int i = 0; i < n; i++) {
    TAKE
    if (++seen < 11) continue;
    double y = 0;
    for (int k = 0; k < 11; k++) y += coefficient[k] * h[i - 10 + k];
    gather(&g, y);
    if (started && fabs(y - last) <= 2 && seen - told < 8000) continue;
    started = 1, last = y, told = seen;
    report(&g, y);
    TELL
  }
  memmove(history, history + n, 16 * sizeof(double));
  group = g;
  waiting = bits;
}
BOTH(slope)

CHAIN(bands) {
  uint16_t bits = waiting;
  if (!settled) settle(3, x[0]);
  Section a = sections[0], b = sections[1], c = sections[2];
  Group g = group;
  for (int i = 0; i < n; i++) {
    TAKE
    gather(&g, section(&c, section(&b, section(&a, x[i]))));
    if (g.n == 16) {
      report(&g, g.sum / g.n);
      TELL
    }
  }
  sections[0] = a, sections[1] = b, sections[2] = c;
  group = g;
  waiting = bits;
}
BOTH(bands)

static double median_of(const double *from, int n) {
  double v[5];
  memcpy(v, from, n * sizeof(double));
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && v[j] < v[j - 1]; j--) { double t = v[j]; v[j] = v[j - 1]; v[j - 1] = t; }
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

CHAIN(pulses) {
  uint16_t bits = waiting;
  static double last = NAN, total, kept[2][5];
  static long seen;
  double w[5], s[5];
  memcpy(w, kept[0], sizeof w), memcpy(s, kept[1], sizeof s);
  for (int i = 0; i < n; i++) {
    TAKE
    double step = x[i] - last;
    if (seen > 0) total += step >= 0 ? step : -step > 32768 ? step + 65536 : x[i];
    last = x[i], seen++;
    w[0] = w[1], w[1] = w[2], w[2] = w[3], w[3] = w[4], w[4] = total;
    if (seen < 5) continue;
    double y = 0;
    for (int k = 0; k < 5; k++) y += coefficient[k] * w[k];
    s[4] = s[3], s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = y;
    TELL
    if (seen < 9) { out[put++] = median_of(s, seen - 4); continue; }
    double b1 = MIN(s[0], s[1]), b2 = MAX(s[0], s[1]), c1 = MIN(s[2], s[3]), c2 = MAX(s[2], s[3]);
    double f = MAX(b1, c1), g = MIN(b2, c2), low = MIN(f, g), high = MAX(f, g);
    out[put++] = MAX(MIN(s[4], high), low);
  }
  memcpy(kept[0], w, sizeof w), memcpy(kept[1], s, sizeof s);
  waiting = bits;
}
BOTH(pulses)

typedef void Burst(ARGUMENTS);
#define NAMED(name, called) {called, {name##_plain, name##_full}}
static const struct { const char *name; Burst *burst[2]; } CHAINS[] = {
    NAMED(sender, "sender"), NAMED(band_rms, "band rms"), NAMED(peak, "peak"),   NAMED(kurtosis, "kurtosis"),
    NAMED(spikes, "spikes"), NAMED(slope, "slope"),       NAMED(bands, "bands"), NAMED(pulses, "pulses"),
};

int main(int argc, char **argv) {
  if (argc < 5) return 64;
  int full = strstr(argv[1], "-full") != NULL, timed = strncmp(argv[1], "time", 4) == 0;
  Burst *burst = NULL;
  for (unsigned k = 0; k < sizeof CHAINS / sizeof *CHAINS; k++)
    if (strcmp(CHAINS[k].name, argv[2]) == 0) burst = CHAINS[k].burst[full];
  FILE *f = fopen(argv[3], "rb");
  if (!f || !burst) return 64;
  fseek(f, 0, SEEK_END);
  long n = ftell(f) / sizeof(double);
  rewind(f);
  double *x = malloc(n * sizeof *x);
  double *t = malloc(n * sizeof *t);
  uint16_t *q = calloc(n, sizeof *q);
  out = malloc(6 * n * sizeof *out), instants = malloc(n * sizeof *instants), quality = malloc(n * sizeof *quality);
  if (fread(x, sizeof *x, n, f) != (size_t)n) return 1;
  fclose(f);
  int size = atoi(argv[4]), first = timed ? 6 : 5;
  for (int k = first; k < argc && k - first < 64; k++) coefficient[k - first] = atof(argv[k]);
  for (long pass = 0; pass <= (timed ? atol(argv[5]) : 0); pass++) {
    struct timespec t0, t1;
    put = rows = 0;
    for (long i = 0; i < n; i++) t[i] = (pass * n + i) * 1.25;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
    for (long at = 0; at < n; at += size) burst(x + at, t + at, q + at, (int)MIN((long)size, n - at));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
    if (timed && pass > 0) printf("%.4f\n", ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / (double)n);
  }
  if (!timed) fwrite(out, sizeof *out, put, stdout);
  return 0;
}
