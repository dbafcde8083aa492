/* The default vibration chain on three axes of ADXL375 frames, as a C programmer would write it: decode, calibrate, median
 * of 5, Butterworth low-pass of 2nd order, decimate by 16 with statistics, deadband. Bursts of frames as they come from
 * the FIFO. Compiled twice: plain, with values and nothing else; and full, which gives each frame an instant and each sample
 * a quality word (clipped at the end of the range), leaves out what is missing or suspect, and reports instants and joined
 * words. Still less than the product does: values in the place of marked samples and a new warm-up are not written here, and
 * in one loop with the decoding the compiler sees that no sample is ever missing.
 *   chain time FRAMES CYCLES BURST        prints ns per sample, one line for each pass over the frames
 *   chain verify FRAMES BURST             writes every reported sample as six doubles, axis by axis
 *   chain time-full ..., verify-full ...  the same with instants and quality
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AXES 3
#define FRAME 8
#define FACTOR 16
#define LONGEST 4096
enum { CLIPPED = 1 << 0, SUSPECT = 1 << 2, MISSING = 1 << 3 };
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static const double COUNT = 0.049 * 9.80665, SCALE = 0.98, OFFSET = 0.3, BAND = 5.0;
static double B0, B1, B2, A1, A2;

typedef struct {
  double w[4], s1, s2, sum, squares, lo, hi;
  double rx, rlo, rhi, psum, psquares, plo, phi;
  int count, started;
  long used, pused;
  uint16_t bits, pbits;
} Axis;

typedef struct { double x, lo, hi, mean, ms, used; } Report;

static Report *reports[AXES];
static long reported[AXES], frame;
/* Instants of the frames of a burst; instants and quality words of the reports. */
static double instant[LONGEST], *told[AXES];
static uint16_t *quality[AXES];

static void clear(Axis *a) {
  memset(a, 0, sizeof *a);
  a->lo = a->plo = INFINITY;
  a->hi = a->phi = -INFINITY;
}

static inline void emit(Axis *a, int axis, double t, const int full) {
  a->pbits |= a->bits, a->bits = 0;
  double x = a->sum / a->used, ms = a->squares / a->used;
  a->pused += a->used;
  a->psum += a->used * x;
  a->psquares += a->used * ms;
  a->plo = MIN(a->plo, a->lo);
  a->phi = MAX(a->phi, a->hi);
  if (!a->started || fabs(x - a->rx) > BAND || fabs(a->lo - a->rlo) > BAND || fabs(a->hi - a->rhi) > BAND) {
    a->started = 1;
    a->rx = x, a->rlo = a->lo, a->rhi = a->hi;
    if (full) told[axis][reported[axis]] = t, quality[axis][reported[axis]] = a->pbits, a->pbits = 0;
    reports[axis][reported[axis]++] = (Report){x, a->plo, a->phi, a->psum / a->pused, a->psquares / a->pused, a->pused};
    a->pused = 0, a->psum = a->psquares = 0, a->plo = INFINITY, a->phi = -INFINITY;
  }
  a->sum = a->squares = 0, a->used = 0, a->count = 0, a->lo = INFINITY, a->hi = -INFINITY;
}

static double median_of(double *v, int n) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && v[j] < v[j - 1]; j--) { double t = v[j]; v[j] = v[j - 1]; v[j - 1] = t; }
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static inline int16_t count(const uint8_t *p, int axis) {
  return (int16_t)(p[2 * axis] | p[2 * axis + 1] << 8);
}

static inline double value(const uint8_t *p, int axis) {
  return SCALE * (COUNT * count(p, axis)) + OFFSET;
}

/* The first samples, until the median's window is full; the low-pass starts settled on the first value. */
static void warm_up(Axis *a, const uint8_t *frames, int axis) {
  double seen[5];
  for (int i = 0; i < 4; i++) {
    seen[i] = a->w[3 - i] = value(frames + i * FRAME, axis);
    double v[5];
    memcpy(v, seen, sizeof v);
    double u = median_of(v, i + 1);
    if (i == 0) a->s2 = (B2 - A2) * u, a->s1 = (B1 - A1) * u + a->s2;
    double y = B0 * u + a->s1;
    a->s1 = B1 * u - A1 * y + a->s2, a->s2 = B2 * u - A2 * y;
    a->sum += y, a->squares += y * y, a->lo = MIN(a->lo, y), a->hi = MAX(a->hi, y), a->used++, a->count++;
  }
}

static inline __attribute__((always_inline)) void burst_any(Axis *a, const uint8_t *frames, const double *t, int n, int axis, const int full) {
  double b = a->w[0], c = a->w[1], d = a->w[2], e = a->w[3], s1 = a->s1, s2 = a->s2;
  int i = 0;
  while (i < n) {
    int end = MIN(n, i + FACTOR - a->count);
    double sum = a->sum, squares = a->squares, lo = a->lo, hi = a->hi;
    uint16_t bits = a->bits;
    long used = end - i;
    a->count += end - i;
    for (; i < end; i++) {
      if (full) {
        int16_t raw = count(frames + i * FRAME, axis);
        uint16_t word = raw >= 4080 || raw <= -4080 ? CLIPPED : 0;
        bits |= word;
        if (word & (MISSING | SUSPECT)) { used--; continue; }
      }
      double v = value(frames + i * FRAME, axis);
      double b1 = MIN(v, b), b2 = MAX(v, b), c1 = MIN(c, d), c2 = MAX(c, d);
      double f = MAX(b1, c1), g = MIN(b2, c2), low = MIN(f, g), high = MAX(f, g);
      double u = MAX(MIN(e, high), low);
      double y = B0 * u + s1;
      s1 = B1 * u - A1 * y + s2, s2 = B2 * u - A2 * y;
      e = d, d = c, c = b, b = v;
      sum += y, squares += y * y, lo = MIN(lo, y), hi = MAX(hi, y);
    }
    a->sum = sum, a->squares = squares, a->lo = lo, a->hi = hi, a->bits = bits, a->used += used;
    if (a->count == FACTOR) emit(a, axis, full ? t[i - 1] : 0, full);
  }
  a->w[0] = b, a->w[1] = c, a->w[2] = d, a->w[3] = e, a->s1 = s1, a->s2 = s2;
}

static void burst(Axis *a, const uint8_t *frames, const double *t, int n, int axis, int full) {
  if (full) burst_any(a, frames, t, n, axis, 1);
  else burst_any(a, frames, t, n, axis, 0);
}

static void run(Axis *axes, const uint8_t *frames, long n, int size, int first, int full) {
  for (long at = 0; at < n; at += size) {
    int k = (int)MIN((long)size, n - at);
    if (full) {
      for (int i = 0; i < k; i++) instant[i] = (frame + i) * 1.25;
      frame += k;
    }
    for (int x = 0; x < AXES; x++) {
      if (first && at == 0) {
        warm_up(&axes[x], frames, x);
        burst(&axes[x], frames + 4 * FRAME, instant + 4, k - 4, x, full);
      } else {
        burst(&axes[x], frames + at * FRAME, instant, k, x, full);
      }
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  FILE *f = fopen(argv[2], "rb");
  if (!f) return 1;
  fseek(f, 0, SEEK_END);
  long size = ftell(f), n = size / FRAME;
  rewind(f);
  uint8_t *frames = malloc(size);
  if (fread(frames, 1, size, f) != (size_t)size) return 1;
  fclose(f);
  double k = tan(M_PI * 100.0 / 800.0), norm = 1 / (1 + k / M_SQRT1_2 + k * k);
  B0 = k * k * norm, B1 = 2 * B0, B2 = B0, A1 = 2 * (k * k - 1) * norm, A2 = (1 - k / M_SQRT1_2 + k * k) * norm;
  int full = strstr(argv[1], "-full") != NULL;
  if (atoi(argv[argc - 1]) > LONGEST) return 2;
  Axis axes[AXES];
  for (int x = 0; x < AXES; x++) {
    clear(&axes[x]), reports[x] = malloc((n / FACTOR + 2) * sizeof(Report));
    told[x] = malloc((n / FACTOR + 2) * sizeof(double)), quality[x] = malloc((n / FACTOR + 2) * sizeof(uint16_t));
  }
  if (strncmp(argv[1], "verify", 6) == 0) {
    run(axes, frames, n, atoi(argv[3]), 1, full);
    for (int x = 0; x < AXES; x++) fwrite(reports[x], sizeof(Report), reported[x], stdout);
    return 0;
  }
  long cycles = atol(argv[3]);
  run(axes, frames, n, atoi(argv[4]), 1, full);
  for (long c = 0; c < cycles; c++) {
    struct timespec t0, t1;
    for (int x = 0; x < AXES; x++) reported[x] = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t0);
    run(axes, frames, n, atoi(argv[4]), 0, full);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t1);
    printf("%.4f\n", ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / ((double)n * AXES));
  }
  return 0;
}
