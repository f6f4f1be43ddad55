#include "poller_backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#define HAS_QUEUE
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) ||            \
    defined(__NetBSD__) || defined(__DragonFly__)
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>
#define HAS_QUEUE
#else
#include <poll.h>
#endif

#define BATCH 64 /* events taken from the system at once */

/* -- epoll and kqueue: a queue of the system's behind a descriptor -- */

#if defined(HAS_QUEUE)

struct poller_Backend {
  int fd;
};

static int open_queue (void);

poller_Backend *poller_backend_new (void) {
  poller_Backend *b = malloc(sizeof *b);
  if (b == NULL) return NULL;
  b->fd = open_queue();
  if (b->fd >= 0) return b;
  free(b);
  return NULL;
}

void poller_backend_free (poller_Backend *b) {
  close(b->fd);
  free(b);
}

int poller_backend_fd (const poller_Backend *b) {
  return b->fd;
}

#endif

#if defined(__linux__)

static int open_queue (void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

int poller_backend_watch (poller_Backend *b, int fd, int events) {
  struct epoll_event e;
  memset(&e, 0, sizeof e);
  e.events = EPOLLONESHOT;
  if (events & POLLER_READ) e.events |= EPOLLIN;
  if (events & POLLER_WRITE) e.events |= EPOLLOUT;
  e.data.fd = fd;
  if (epoll_ctl(b->fd, EPOLL_CTL_MOD, fd, &e) == 0) return 0;
  return errno == ENOENT ? epoll_ctl(b->fd, EPOLL_CTL_ADD, fd, &e) : -1;
}

static int events_of (unsigned flags) {
  int events = 0;
  if (flags & (EPOLLIN | EPOLLHUP | EPOLLERR)) events |= POLLER_READ;
  if (flags & (EPOLLOUT | EPOLLHUP | EPOLLERR)) events |= POLLER_WRITE;
  return events;
}

int poller_backend_wait (poller_Backend *b, poller_Event *events, int max,
                         int milliseconds) {
  struct epoll_event found[BATCH];
  int i, n = epoll_wait(b->fd, found, max < BATCH ? max : BATCH, milliseconds);
  for (i = 0; i < n; i++) {
    events[i].fd = found[i].data.fd;
    events[i].events = events_of(found[i].events);
  }
  return n;
}

#elif defined(HAS_QUEUE)

static int open_queue (void) {
  return kqueue();
}

int poller_backend_watch (poller_Backend *b, int fd, int events) {
  struct kevent changes[2];
  int n = 0;
  if (events & POLLER_READ)
    EV_SET(&changes[n++], (uintptr_t)fd, EVFILT_READ, EV_ADD | EV_ONESHOT, 0, 0, 0);
  if (events & POLLER_WRITE)
    EV_SET(&changes[n++], (uintptr_t)fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, 0);
  return kevent(b->fd, changes, n, NULL, 0, NULL);
}

int poller_backend_wait (poller_Backend *b, poller_Event *events, int max,
                         int milliseconds) {
  struct kevent found[BATCH];
  struct timespec t;
  int i, n;
  t.tv_sec = milliseconds / 1000;
  t.tv_nsec = (long)(milliseconds % 1000) * 1000000;
  n = kevent(b->fd, NULL, 0, found, max < BATCH ? max : BATCH,
             milliseconds < 0 ? NULL : &t);
  for (i = 0; i < n; i++) {
    events[i].fd = (int)found[i].ident;
    events[i].events = found[i].flags & (EV_EOF | EV_ERROR) ? POLLER_READ | POLLER_WRITE
                       : found[i].filter == EVFILT_READ     ? POLLER_READ
                                                            : POLLER_WRITE;
  }
  return n;
}

#else

/* -- poll: a list of our own -- */

struct poller_Backend {
  struct pollfd *set;
  int count, room;
};

poller_Backend *poller_backend_new (void) {
  return calloc(1, sizeof(poller_Backend));
}

void poller_backend_free (poller_Backend *b) {
  free(b->set);
  free(b);
}

static struct pollfd *find (poller_Backend *b, int fd) {
  int i;
  for (i = 0; i < b->count; i++)
    if (b->set[i].fd == fd) return &b->set[i];
  return NULL;
}

static struct pollfd *add (poller_Backend *b, int fd) {
  if (b->count == b->room) {
    int room = b->room == 0 ? 16 : 2 * b->room;
    struct pollfd *set = realloc(b->set, (size_t)room * sizeof *set);
    if (set == NULL) return NULL;
    b->set = set;
    b->room = room;
  }
  b->set[b->count].fd = fd;
  return &b->set[b->count++];
}

int poller_backend_fd (const poller_Backend *b) {
  (void)b;
  return -1;
}

int poller_backend_watch (poller_Backend *b, int fd, int events) {
  struct pollfd *p = find(b, fd);
  if (p == NULL) p = add(b, fd);
  if (p == NULL) return -1;
  p->events = 0;
  if (events & POLLER_READ) p->events |= POLLIN;
  if (events & POLLER_WRITE) p->events |= POLLOUT;
  return 0;
}

static int events_of (short flags) {
  int events = 0;
  if (flags & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) events |= POLLER_READ;
  if (flags & (POLLOUT | POLLHUP | POLLERR | POLLNVAL)) events |= POLLER_WRITE;
  return events;
}

int poller_backend_wait (poller_Backend *b, poller_Event *events, int max,
                         int milliseconds) {
  int i, n = 0, ready = poll(b->set, (nfds_t)b->count, milliseconds);
  for (i = 0; i < b->count && n < max && ready > 0;) {
    if (b->set[i].revents == 0) {
      i++;
      continue;
    }
    events[n].fd = b->set[i].fd;
    events[n++].events = events_of(b->set[i].revents);
    b->set[i] = b->set[--b->count];
  }
  return ready < 0 ? -1 : n;
}

#endif
