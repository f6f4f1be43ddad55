/*
** quiet: writes that must not end the process. OpenSSL's own socket BIO and sendfile
** know no MSG_NOSIGNAL; around them SIGPIPE is held back from this thread, and one
** that they raised is taken away. A SIGPIPE that was waiting before stays.
*/
#ifndef lacre_quiet_h
#define lacre_quiet_h

#include <signal.h>

typedef struct quiet_Pipe {
  sigset_t before;
  int was_pending;
} quiet_Pipe;

/* errno is the same after both */
void quiet_begin (quiet_Pipe *pipe);
void quiet_end (const quiet_Pipe *pipe);

#endif
