/*
 * LD_PRELOAD library that stands in for /dev/i2c-N: the genuine i2c-bus addon runs unmodified, and each of its transfers
 * becomes one request to the model behind $SWATH_I2C_USER/i2c-N.sock. Opening fails with ENOENT where there is no such socket.
 *
 * Request, 36 bytes: kind, address, register, length, 32 bytes. Reply, 36 bytes: errno, bytes moved, 0, 0, 32 bytes.
 * Only what i2c-bus uses is served: I2C_SLAVE, I2C_FUNCS, I2C_SMBUS and plain read and write.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum kind { READ_REGISTER, WRITE_REGISTER, RECEIVE, SELECT };
struct frame { uint8_t head[4], data[32]; };

/* One transfer at a time, as under the kernel's lock of an adapter. */
static pthread_mutex_t bus_lock = PTHREAD_MUTEX_INITIALIZER;

#define FDS 1024
static struct { int ours, address; } fds[FDS];
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int ours(int fd) { return fd >= 0 && fd < FDS && fds[fd].ours; }

static int move_all(int fd, void *buffer, size_t size, int sending) {
  for (size_t done = 0; done < size;) {
    ssize_t n = sending ? send(fd, (char *)buffer + done, size - done, MSG_NOSIGNAL) : recv(fd, (char *)buffer + done, size - done, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return -1;
    done += n;
  }
  return 0;
}

/* Returns bytes moved, or -errno. */
static int transfer(int fd, enum kind kind, int reg, int length, uint8_t *data) {
  struct frame f = { .head = { kind, fds[fd].address, reg, length } };
  if (length < 0 || length > 32) return -EINVAL;
  if (kind == WRITE_REGISTER) memcpy(f.data, data, length);
  pthread_mutex_lock(&bus_lock);
  int lost = move_all(fd, &f, sizeof f, 1) || move_all(fd, &f, sizeof f, 0);
  pthread_mutex_unlock(&bus_lock);
  if (lost) return -ENODEV;
  if (f.head[0]) return -f.head[0];
  if (kind != WRITE_REGISTER && data) memcpy(data, f.data, f.head[1]);
  return f.head[1];
}

static int smbus(int fd, struct i2c_smbus_ioctl_data *s) {
  union i2c_smbus_data *d = s->data;
  int reading = s->read_write == I2C_SMBUS_READ, n;
  uint8_t b[32];
  switch (s->size) {
    case I2C_SMBUS_BYTE:
      if (!reading) return transfer(fd, WRITE_REGISTER, s->command, 0, b);
      n = transfer(fd, RECEIVE, 0, 1, b);
      if (n == 1) d->byte = b[0];
      return n == 0 ? -EIO : n;
    case I2C_SMBUS_BYTE_DATA:
      b[0] = d->byte;
      n = transfer(fd, reading ? READ_REGISTER : WRITE_REGISTER, s->command, 1, b);
      if (reading && n == 1) d->byte = b[0];
      return n == 0 ? -EIO : n;
    /* What i2c-bus's writeI2cBlock sends is the "broken" size, whose reads are always of 32 bytes. */
    case I2C_SMBUS_I2C_BLOCK_BROKEN:
      if (reading) d->block[0] = 32; /* fall through */
    case I2C_SMBUS_I2C_BLOCK_DATA:
      n = transfer(fd, reading ? READ_REGISTER : WRITE_REGISTER, s->command, d->block[0], d->block + 1);
      if (reading && n >= 0) d->block[0] = n;
      return n;
    default: return -EOPNOTSUPP;
  }
}

int ioctl(int fd, unsigned long request, ...) {
  va_list list;
  va_start(list, request);
  void *arg = va_arg(list, void *);
  va_end(list);
  if (!ours(fd)) return NEXT(ioctl)(fd, request, arg);
  int result = 0;
  if (request == I2C_SLAVE || request == I2C_SLAVE_FORCE) {
    /* The kernel refuses an address that one of its own drivers has. */
    fds[fd].address = (long)arg;
    result = transfer(fd, SELECT, request == I2C_SLAVE_FORCE, 0, NULL);
    if (result < 0) fds[fd].address = 0;
  } else if (request == I2C_FUNCS) *(unsigned long *)arg = I2C_FUNC_I2C | I2C_FUNC_SMBUS_BYTE | I2C_FUNC_SMBUS_BYTE_DATA | I2C_FUNC_SMBUS_I2C_BLOCK;
  else if (request == I2C_SMBUS) result = smbus(fd, arg);
  else result = -ENOTTY;
  if (result >= 0) return 0;
  errno = -result;
  return -1;
}

static ssize_t plain(int fd, uint8_t *data, size_t n, int reading) {
  int result = reading ? transfer(fd, RECEIVE, 0, n, data) : transfer(fd, WRITE_REGISTER, data[0], n - 1, data + 1);
  if (result >= 0) return reading ? result : result + 1;
  errno = -result;
  return -1;
}

ssize_t pread64(int fd, void *b, size_t n, off64_t at) { return ours(fd) ? plain(fd, b, n, 1) : NEXT(pread64)(fd, b, n, at); }
ssize_t pread(int fd, void *b, size_t n, off_t at) { return ours(fd) ? plain(fd, b, n, 1) : NEXT(pread)(fd, b, n, at); }
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t at) { return ours(fd) ? plain(fd, (void *)b, n, 0) : NEXT(pwrite64)(fd, b, n, at); }
ssize_t pwrite(int fd, const void *b, size_t n, off_t at) { return ours(fd) ? plain(fd, (void *)b, n, 0) : NEXT(pwrite)(fd, b, n, at); }

/* Connects for a path of the form /dev/i2c-N; -2 for any other path. */
static int connect_bus(const char *path) {
  struct sockaddr_un to = { .sun_family = AF_UNIX };
  int bus, fd;
  char rest;
  const char *dir = getenv("SWATH_I2C_USER");
  if (!dir || !path || sscanf(path, "/dev/i2c-%d%c", &bus, &rest) != 1) return -2;
  snprintf(to.sun_path, sizeof to.sun_path, "%s/i2c-%d.sock", dir, bus);
  fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && (fd >= FDS || connect(fd, (struct sockaddr *)&to, sizeof to))) {
    NEXT(close)(fd);
    errno = ENOENT;
    return -1;
  }
  if (fd >= 0) {
    fds[fd].ours = 1;
    fds[fd].address = 0;
  }
  return fd;
}

#define OPENER(name)                                  \
  int name(const char *path, int flags, ...) {        \
    va_list list;                                     \
    va_start(list, flags);                            \
    mode_t mode = va_arg(list, mode_t);               \
    va_end(list);                                     \
    int fd = connect_bus(path);                       \
    return fd != -2 ? fd : NEXT(name)(path, flags, mode); \
  }
OPENER(open)
OPENER(open64)

int close(int fd) {
  if (ours(fd)) fds[fd].ours = 0;
  return NEXT(close)(fd);
}
