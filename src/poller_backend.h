/*
** poller_backend: which descriptors are ready, by epoll, kqueue or poll(2).
** A descriptor is watched for its next event and then forgotten, so that nobody
** is told what nobody waits for; waiting costs what is ready, not what is watched.
** Without Lua.
*/
#ifndef lacre_poller_backend_h
#define lacre_poller_backend_h

#define POLLER_READ 1
#define POLLER_WRITE 2

typedef struct poller_Event {
  int fd;
  int events; /* POLLER_READ, POLLER_WRITE; an error or hang-up is both */
} poller_Event;

typedef struct poller_Backend poller_Backend;

poller_Backend *poller_backend_new (void);
void poller_backend_free (poller_Backend *b);

/* a descriptor that is readable when an event is there, so that pollers nest; -1
** where the system has none */
int poller_backend_fd (const poller_Backend *b);

/* watches for the next event; 0, or -1: EPERM means it never blocks */
int poller_backend_watch (poller_Backend *b, int fd, int events);

/* the number of events put into `events`, at most `max`; -1 with errno */
int poller_backend_wait (poller_Backend *b, poller_Event *events, int max,
                         int milliseconds);

#endif
