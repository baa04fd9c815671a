// SPDX-License-Identifier: BSD-3-Clause

/** What `nemean run MODULE -h trap` prints. */
export const INTERFACE_HELP = `TRAP interfaces: -i SPEC[,SPEC...], inputs first, then outputs.

Inputs
  u:NAME                       unix socket NAME
  t:[HOST:]PORT                TCP; HOST is localhost when left out, [2001:db8::1] for IPv6
  T:[HOST:]PORT:KEY:CERT:CA    TCP with TLS; PEM files: own key and certificate, who is trusted
  f:PATH                       file or files (~, $NAME, * ? [..], blanks between), /dev/stdin
  g:N:TEXT                     the N bytes of TEXT for ever, for measuring
  container_max=BYTES          (u, t, T, f) longest container that is taken, 16777216 by default

Outputs
  u:NAME                       unix socket NAME; mode=0660, group=NAME set who may connect
  t:[HOST:]PORT                TCP; all addresses when HOST is left out
  T:[HOST:]PORT:KEY:CERT:CA    TCP with TLS; clients need a certificate of CA
  f:PATH[:a|w][:time=MINUTES][:size=MEGABYTES]
                               file; a picks the next free PATH.00000; PATH may hold %Y%m%d%H%M
  b:                           nowhere
  max_clients=N                (u, t, T) 64 by default
  buffer_count=N               (u, t, T) containers that wait for a client, 50 by default
  buffer_size=BYTES            (u, t, T) of a container, 100000 by default and at most
  timeout=WAIT                 wait for slow clients, and for the first one
  timeout=HALF_WAIT            wait for slow clients, throw away what nobody is there for
  timeout=NO_WAIT              never wait: a client that is slow loses its oldest containers
  timeout=MICROSECONDS         wait so long, then as NO_WAIT
                               default: WAIT for modules that read files, else NO_WAIT
  buffer=on|off                pack messages into containers
  autoflush=off|MICROSECONDS   send a part-filled container after this long, 2000000 by default

Environment
  TRAP_SOCKET_DIR              folder of unix sockets; else /run/libtrap where it is there, else /tmp
  NEMEAN_CLOCK_RATE            seconds of the wall clock, as compat modes see it, in one: for tests
  TRAP_SOCKET_GROUP            group of unix sockets
`;
