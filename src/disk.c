#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "fail.h"
#include "own.h"

/* the rest of this file speaks of results as 0 or an errno, and takes no L */

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

/* the mode is set on the open file, so that a umask cannot make it wider or the
** file be seen with another for a moment */
static int create (const char *path, const char *bytes, size_t len, mode_t mode) {
  int error,
      fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  error = write_all(fd, bytes, len);
  if (error == 0 && fchmod(fd, mode) != 0) error = errno;
  if (error == 0 && fsync(fd) != 0) error = errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error != 0) unlink(path);
  return error;
}

/* bytes at the end of a file, all of them or none: what a full disk cut short is
** taken back. The file is made when it is not there */
static int append (const char *path, const char *bytes, size_t len, int sync) {
  struct stat s;
  int error,
      fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  error = fstat(fd, &s) == 0 ? write_all(fd, bytes, len) : errno;
  if (error == 0 && sync && fsync(fd) != 0) error = errno;
  if (error != 0 && ftruncate(fd, s.st_size) != 0) error = EIO;
  if (close(fd) != 0 && error == 0) error = errno;
  return error;
}

static int result (lua_State *L, int error, const char *stage, const char *path) {
  if (error != 0) return fail_errno(L, stage, error, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* create(path, bytes, mode) -> true | nil, err; file_exists if there is one */
static int disk_create (lua_State *L) {
  const char *path = args_text(L, 1);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  int mode = args_int(L, 3, 0, 0777);
  return result(L, create(path, bytes, len, (mode_t)mode), "save", path);
}

/* append(path, bytes, sync) -> true | nil, err; all or nothing */
static int disk_append (lua_State *L) {
  const char *path = args_text(L, 1);
  size_t len;
  const char *bytes = luaL_checklstring(L, 2, &len);
  return result(L, append(path, bytes, len, lua_toboolean(L, 3)), "save", path);
}

/* set_mode(path, mode) -> true | nil, err */
static int disk_set_mode (lua_State *L) {
  const char *path = args_text(L, 1);
  int mode = args_int(L, 2, 0, 0777);
  return result(L, chmod(path, (mode_t)mode) == 0 ? 0 : errno, "save", path);
}

/* make_directory(path, mode) -> true | nil, err; file_exists if there is one */
static int disk_make_directory (lua_State *L) {
  const char *path = args_text(L, 1);
  int mode = args_int(L, 2, 0, 0777);
  return result(L, mkdir(path, (mode_t)mode) == 0 ? 0 : errno, "save", path);
}

/* remove_directory(path) -> true | nil, err; only an empty one */
static int disk_remove_directory (lua_State *L) {
  const char *path = args_text(L, 1);
  return result(L, rmdir(path) == 0 ? 0 : errno, "save", path);
}

/* rename(from, to) -> true | nil, err; replaces `to` */
static int disk_rename (lua_State *L) {
  const char *from = args_text(L, 1), *to = args_text(L, 2);
  return result(L, rename(from, to) == 0 ? 0 : errno, "save", to);
}

/* link(from, to) -> true | nil, err; never replaces `to` */
static int disk_link (lua_State *L) {
  const char *from = args_text(L, 1), *to = args_text(L, 2);
  return result(L, link(from, to) == 0 ? 0 : errno, "save", to);
}

/* remove(path) -> true | nil, err */
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

/* sync(path), of a directory too, -> true | nil, err */
static int disk_sync (lua_State *L) {
  const char *path = args_text(L, 1);
  return result(L, sync_path(path), "save", path);
}

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

/* what changes with whatever happens to a file: device, inode, size, when it was
** written and when anything about it changed */
static void push_version (lua_State *L, const struct stat *s) {
  int64_t two[2];
  fractions(s, two);
  lua_pushfstring(L, "%f %f %f", (double)s->st_dev, (double)s->st_ino,
                  (double)s->st_size);
  lua_pushfstring(L, " %f %f", (double)two[0], (double)two[1]);
  lua_pushfstring(L, " %f %f", (double)s->st_mtime, (double)s->st_ctime);
  lua_concat(L, 3);
  lua_setfield(L, -2, "version");
  lua_pushnumber(L, (lua_Number)s->st_ctime);
  lua_setfield(L, -2, "changed");
  lua_pushinteger(L, (lua_Integer)two[0]);
  lua_setfield(L, -2, "nanoseconds");
}

/* stat(path) -> { kind =, mode =, size =, modified =, nanoseconds =, changed =,
** version = } | nil, err; `nanoseconds` is what `modified` leaves out, `version`
** differs when the file does */
static int disk_stat (lua_State *L) {
  const char *path = args_text(L, 1);
  struct stat s;
  if (stat(path, &s) != 0) return fail_errno(L, "load", errno, path);
  lua_createtable(L, 0, 4);
  lua_pushstring(L, kind_name(s.st_mode));
  lua_setfield(L, -2, "kind");
  lua_pushinteger(L, (lua_Integer)(s.st_mode & 07777));
  lua_setfield(L, -2, "mode");
  compat_pushint64(L, (int64_t)s.st_size);
  lua_setfield(L, -2, "size");
  compat_pushint64(L, (int64_t)s.st_mtime);
  lua_setfield(L, -2, "modified");
  push_version(L, &s);
  return 1;
}

/* version(path) -> bytes that differ when the file does, as the field of stat and for
** less | nothing where there is none */
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

static void release_text (void *obj) {
  free(obj);
}

/* real(path) -> the absolute path without links and dots | nil, err */
static int disk_real (lua_State *L) {
  const char *path = args_text(L, 1);
  own_Box *box = own_temp(L, release_text);
  box->obj = realpath(path, NULL);
  if (box->obj == NULL) return fail_errno(L, "load", errno, path);
  lua_pushstring(L, box->obj);
  return 1;
}

static int close_directory (lua_State *L) {
  DIR **directory = lua_touserdata(L, 1);
  if (*directory != NULL) closedir(*directory);
  *directory = NULL;
  return 0;
}

/* as with descriptors: whatever Lua raises, the directory is closed */
static DIR **push_directory (lua_State *L) {
  DIR **directory = lua_newuserdata(L, sizeof(DIR *));
  *directory = NULL;
  lua_newtable(L);
  lua_pushcfunction(L, close_directory);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return directory;
}

/* list(path) -> { name, ... } in no order, without "." and ".." | nil, err */
static int disk_list (lua_State *L) {
  const char *path = args_text(L, 1);
  DIR **directory = push_directory(L);
  struct dirent *entry;
  int n = 0;
  *directory = opendir(path);
  if (*directory == NULL) return fail_errno(L, "load", errno, path);
  lua_newtable(L);
  while ((entry = readdir(*directory)) != NULL) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    lua_pushstring(L, entry->d_name);
    lua_rawseti(L, -2, ++n);
  }
  closedir(*directory);
  *directory = NULL;
  return 1;
}

/* reads what fits; 0 or an errno, and how much in *len */
static int read_some (int fd, char *buffer, size_t size, size_t *len) {
  ssize_t n;
  do n = read(fd, buffer, size);
  while (n < 0 && errno == EINTR);
  *len = n < 0 ? 0 : (size_t)n;
  return n < 0 ? errno : 0;
}

/* the descriptor sits in a userdata, so that whatever Lua raises closes it */
static int close_fd (lua_State *L) {
  int *fd = lua_touserdata(L, 1);
  if (*fd >= 0) close(*fd);
  *fd = -1;
  return 0;
}

static int *push_fd (lua_State *L) {
  int *fd = lua_newuserdata(L, sizeof *fd);
  *fd = -1;
  lua_newtable(L);
  lua_pushcfunction(L, close_fd);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  return fd;
}

/* one read a piece; a box of 16 KiB beside the pieces, joined by Lua */
static int read_pieces (lua_State *L, int fd, size_t limit, int pieces) {
  const size_t size = 16384;
  char *buffer = lua_newuserdata(L, size);
  size_t total = 0, len = 0;
  int i = 0, error;
  while ((error = read_some(fd, buffer, size, &len)) == 0 && len > 0) {
    total += len;
    if (total > limit) return EFBIG;
    lua_pushlstring(L, buffer, len);
    lua_rawseti(L, pieces, ++i);
  }
  return error;
}

/* read(path, limit) -> { piece, ... } | nil, err; EFBIG over the limit */
static int disk_read (lua_State *L) {
  const char *path = args_text(L, 1);
  int error, limit = args_int(L, 2, 0, 0x7fffffff), pieces;
  int *fd;
  lua_settop(L, 2);
  lua_newtable(L);
  pieces = lua_gettop(L);
  fd = push_fd(L);
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  error = *fd < 0 ? errno : read_pieces(L, *fd, (size_t)limit, pieces);
  if (*fd >= 0) close(*fd);
  *fd = -1;
  if (error != 0) return fail_errno(L, "load", error, path);
  lua_settop(L, pieces);
  return 1;
}

/* tail(path, size) -> its last bytes, that many at most, in one read | nil, err */
static int disk_tail (lua_State *L) {
  const char *path = args_text(L, 1);
  int error = 0, size = args_int(L, 2, 1, 1 << 24);
  char *buffer = lua_newuserdata(L, (size_t)size);
  size_t len = 0;
  int *fd = push_fd(L);
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (*fd < 0) return fail_errno(L, "load", errno, path);
  if (lseek(*fd, -(off_t)size, SEEK_END) < 0 && errno != EINVAL) error = errno;
  if (error == 0) error = read_some(*fd, buffer, (size_t)size, &len);
  close(*fd);
  *fd = -1;
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
  { "real", disk_real },
  { "read", disk_read },
  { "tail", disk_tail },
  { "list", disk_list },
  { NULL, NULL },
};
/* clang-format on */

int disk_open (lua_State *L) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  return 1;
}
