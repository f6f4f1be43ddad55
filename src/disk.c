#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "args.h"
#include "fail.h"
#include "own.h"
#include "table.h"

/* -- writing: results are 0 or an errno -- */

static int write_all (int fd, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, bytes, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes += n;
    len -= (size_t)n;
  }
  return 0;
}

/* the descriptor's own complaint counts only where there was none before */
static int close_after (int fd, int error) {
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

/* the mode is set on the open file, so that a umask cannot make it wider or the
** file be seen with another for a moment */
static int create (const char *path, const char *bytes, size_t len, mode_t mode) {
  int error,
      fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  error = write_all(fd, bytes, len);
  if (error == 0 && fchmod(fd, mode) != 0) error = errno;
  if (error == 0 && fsync(fd) != 0) error = errno;
  error = close_after(fd, error);
  if (error != 0) unlink(path);
  return error;
}

/* bytes at the end, all of them or none: what a full disk cut short is taken back */
static int write_behind (int fd, const char *bytes, size_t len, int sync) {
  struct stat before;
  int error;
  if (fstat(fd, &before) != 0) return errno;
  error = write_all(fd, bytes, len);
  if (error == 0 && sync && fsync(fd) != 0) error = errno;
  if (error != 0 && ftruncate(fd, before.st_size) != 0) error = EIO;
  return error;
}

/* the file is made when it is not there */
static int append (const char *path, const char *bytes, size_t len, int sync) {
  int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  return fd < 0 ? errno : close_after(fd, write_behind(fd, bytes, len, sync));
}

static int result (lua_State *L, int error, const char *stage, const char *path) {
  if (error != 0) return fail_errno(L, stage, error, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* disk.create(path, bytes, mode) -> true | nil, err; file_exists if there is one */
static int disk_create (lua_State *L) {
  const char *path = args_text(L, 1);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  int mode = args_int(L, 3, 0, 0777);
  return result(L, create(path, bytes, len, (mode_t)mode), "save", path);
}

/* disk.append(path, bytes, sync) -> true | nil, err; all or nothing */
static int disk_append (lua_State *L) {
  const char *path = args_text(L, 1);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  return result(L, append(path, bytes, len, lua_toboolean(L, 3)), "save", path);
}

/* disk.set_mode(path, mode) -> true | nil, err */
static int disk_set_mode (lua_State *L) {
  const char *path = args_text(L, 1);
  int mode = args_int(L, 2, 0, 0777);
  return result(L, chmod(path, (mode_t)mode) == 0 ? 0 : errno, "save", path);
}

/* disk.make_directory(path, mode) -> true | nil, err; file_exists if there is one */
static int disk_make_directory (lua_State *L) {
  const char *path = args_text(L, 1);
  int mode = args_int(L, 2, 0, 0777);
  return result(L, mkdir(path, (mode_t)mode) == 0 ? 0 : errno, "save", path);
}

/* disk.remove_directory(path) -> true | nil, err; only an empty one */
static int disk_remove_directory (lua_State *L) {
  const char *path = args_text(L, 1);
  return result(L, rmdir(path) == 0 ? 0 : errno, "save", path);
}

/* disk.rename(from, to) -> true | nil, err; replaces `to` */
static int disk_rename (lua_State *L) {
  const char *from = args_text(L, 1), *to = args_text(L, 2);
  return result(L, rename(from, to) == 0 ? 0 : errno, "save", to);
}

/* disk.link(from, to) -> true | nil, err; never replaces `to` */
static int disk_link (lua_State *L) {
  const char *from = args_text(L, 1), *to = args_text(L, 2);
  return result(L, link(from, to) == 0 ? 0 : errno, "save", to);
}

/* disk.remove(path) -> true | nil, err */
static int disk_remove (lua_State *L) {
  const char *path = args_text(L, 1);
  return result(L, unlink(path) == 0 ? 0 : errno, "save", path);
}

static int sync_path (const char *path) {
  int error, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return errno;
  error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == EINVAL ? 0 : error; /* some file systems cannot, and need not */
}

/* disk.sync(path), of a directory too, -> true | nil, err */
static int disk_sync (lua_State *L) {
  const char *path = args_text(L, 1);
  return result(L, sync_path(path), "save", path);
}

/* -- what is there -- */

static const char *kind_name (mode_t mode) {
  if (S_ISREG(mode)) return "file";
  if (S_ISDIR(mode)) return "directory";
  return "other";
}

/* the nanoseconds of when it was written, and of when anything about it changed */
#if defined(__APPLE__)
static void fractions (const struct stat *s, int64_t *two) {
  two[0] = (int64_t)s->st_mtimespec.tv_nsec;
  two[1] = (int64_t)s->st_ctimespec.tv_nsec;
}
#else
static void fractions (const struct stat *s, int64_t *two) {
  two[0] = (int64_t)s->st_mtim.tv_nsec;
  two[1] = (int64_t)s->st_ctim.tv_nsec;
}
#endif

/* disk.stat(path) -> { kind =, mode =, size =, modified =, nanoseconds =, changed = }
** | nil, err; `nanoseconds` is what `modified` leaves out */
static int disk_stat (lua_State *L) {
  const char *path = args_text(L, 1);
  struct stat s;
  int64_t two[2];
  if (stat(path, &s) != 0) return fail_errno(L, "load", errno, path);
  fractions(&s, two);
  lua_createtable(L, 0, 6);
  table_set_text(L, "kind", kind_name(s.st_mode));
  table_set_integer(L, "mode", s.st_mode & 07777);
  table_set_integer(L, "size", s.st_size);
  table_set_integer(L, "modified", s.st_mtime);
  table_set_integer(L, "nanoseconds", two[0]);
  table_set_integer(L, "changed", (int64_t)s.st_ctime);
  return 1;
}

/* disk.version(path) -> bytes that differ after whatever happened to the file: device,
** inode, size, when it was written, when anything about it changed | nothing where
** there is none */
static int disk_version (lua_State *L) {
  struct stat s;
  int64_t facts[7];
  if (stat(args_text(L, 1), &s) != 0) return 0;
  facts[0] = (int64_t)s.st_dev;
  facts[1] = (int64_t)s.st_ino;
  facts[2] = (int64_t)s.st_size;
  facts[3] = (int64_t)s.st_mtime;
  facts[4] = (int64_t)s.st_ctime;
  fractions(&s, facts + 5);
  lua_pushlstring(L, (const char *)facts, sizeof facts);
  return 1;
}

/* disk.is_current(path, source) -> boolean: whether both are there, and the file is no
** older than what it was made of */
static int disk_is_current (lua_State *L) {
  struct stat made, source;
  int64_t first[2], second[2];
  int good = stat(args_text(L, 1), &made) == 0 && stat(args_text(L, 2), &source) == 0;
  if (good) {
    fractions(&made, first);
    fractions(&source, second);
    good = made.st_mtime > source.st_mtime ||
           (made.st_mtime == source.st_mtime && first[0] >= second[0]);
  }
  lua_pushboolean(L, good);
  return 1;
}

static void release_text (void *obj) {
  free(obj);
}

/* disk.real(path) -> the absolute path without links and dots | nil, err */
static int disk_real (lua_State *L) {
  const char *path = args_text(L, 1);
  own_Box *box = own_temp(L, release_text);
  box->obj = realpath(path, NULL);
  if (box->obj == NULL) return fail_errno(L, "load", errno, path);
  lua_pushstring(L, box->obj);
  return 1;
}

static void release_directory (void *obj) {
  closedir(obj);
}

/* disk.list(path) -> { name, ... } in no order, without "." and ".." | nil, err */
static int disk_list (lua_State *L) {
  const char *path = args_text(L, 1);
  own_Box *directory = own_temp(L, release_directory);
  struct dirent *entry;
  int n = 0;
  directory->obj = opendir(path);
  if (directory->obj == NULL) return fail_errno(L, "load", errno, path);
  lua_newtable(L);
  while (errno = 0, (entry = readdir(directory->obj)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -2, ++n);
  }
  if (errno != 0) return fail_errno(L, "load", errno, path);
  own_close(directory);
  return 1;
}

/* -- reading -- */

#define PIECE 16384 /* bytes of a first read */

typedef struct Content {
  char *bytes; /* owned; it may be a private key, and is cleansed */
  size_t len, room;
} Content;

static void release_content (void *obj) {
  Content *c = obj;
  OPENSSL_clear_free(c->bytes, c->room);
  OPENSSL_free(c);
}

static int grow (Content *c) {
  size_t room = c->room == 0 ? PIECE : 2 * c->room;
  char *grown = OPENSSL_clear_realloc(c->bytes, c->room, room);
  if (grown == NULL) return ENOMEM;
  c->bytes = grown;
  c->room = room;
  return 0;
}

/* one read of what fits; 0 or an errno, and how much in *len */
static int read_some (int fd, char *buffer, size_t size, size_t *len) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  *len = n < 0 ? 0 : (size_t)n;
  return n < 0 ? errno : 0;
}

/* to the end of the file, or EFBIG */
static int read_all (int fd, size_t limit, Content *c) {
  size_t len = 1;
  int error = 0;
  while (error == 0 && len > 0) {
    if (c->len == c->room && (error = grow(c)) != 0) break;
    error = read_some(fd, c->bytes + c->len, c->room - c->len, &len);
    c->len += len;
    if (c->len > limit) error = EFBIG;
  }
  return error;
}

static int read_file (const char *path, size_t limit, Content *c) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  return fd < 0 ? errno : close_after(fd, read_all(fd, limit, c));
}

/* disk.read(path, limit) -> bytes | nil, err; EFBIG over the limit */
static int disk_read (lua_State *L) {
  const char *path = args_text(L, 1);
  int error, limit = args_int(L, 2, 0, 0x7fffffff);
  own_Box *box = own_temp(L, release_content);
  Content *c = box->obj = OPENSSL_zalloc(sizeof *c);
  if (c == NULL) return fail_memory(L);
  error = read_file(path, (size_t)limit, c);
  if (error == ENOMEM) return fail_memory(L);
  if (error != 0) return fail_errno(L, "load", error, path);
  lua_pushlstring(L, c->bytes, c->len);
  own_close(box);
  return 1;
}

static int read_end (int fd, char *buffer, size_t size, size_t *len) {
  if (lseek(fd, -(off_t)size, SEEK_END) < 0 && errno != EINVAL) return errno;
  return read_some(fd, buffer, size, len);
}

/* disk.tail(path, size) -> its last bytes, that many at most, in one read | nil, err */
static int disk_tail (lua_State *L) {
  const char *path = args_text(L, 1);
  int error, fd, size = args_int(L, 2, 1, 1 << 24);
  char *buffer = lua_newuserdata(L, (size_t)size);
  size_t len = 0;
  fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return fail_errno(L, "load", errno, path);
  error = close_after(fd, read_end(fd, buffer, (size_t)size, &len));
  if (error != 0) return fail_errno(L, "load", error, path);
  lua_pushlstring(L, buffer, len);
  return 1;
}

/* clang-format off */
static const luaL_Reg functions[] = {
  { "create", disk_create },
  { "append", disk_append },
  { "set_mode", disk_set_mode },
  { "make_directory", disk_make_directory },
  { "remove_directory", disk_remove_directory },
  { "rename", disk_rename },
  { "link", disk_link },
  { "remove", disk_remove },
  { "sync", disk_sync },
  { "stat", disk_stat },
  { "version", disk_version },
  { "is_current", disk_is_current },
  { "real", disk_real },
  { "read", disk_read },
  { "tail", disk_tail },
  { "list", disk_list },
  { NULL, NULL },
};
/* clang-format on */

int disk_open (lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
