/* The commit of a window, as docs/protocol.md has it. docs/model/README.md says what is modelled, what is left out, and
 * how to run it.
 *
 * One coordinator, N nodes, WINDOWS windows. FAULTS faults of any kind hit at any moment: the coordinator dies and is
 * started again, a node does, a control stream breaks. Everything that a party does on one event is one step: a step that
 * sends to several nodes and dies half-way cannot be told from one that sends to all and loses some.
 *
 * MUTANT = 1..9 makes one mistake, to show that the properties can fail.
 */
#ifndef N
#define N 2
#endif
#ifndef WINDOWS
#define WINDOWS 2
#endif
#ifndef FAULTS
#define FAULTS 3
#endif
#ifndef EVERY
#define EVERY 1          /* checkpoint.every */
#endif
#ifndef MUTANT
#define MUTANT 0
#endif
#ifdef WAIT              /* on_failure: wait */
#define ENOUGH (up == ALL)
#else                    /* on_failure: degrade. May go on without a node, need not. */
#define ENOUGH (up != 0)
#endif

#define BIT(n) (1 << (n))
#define ALL (BIT(N) - 1)
#define BOOT 16          /* attempts of one start of the coordinator: the "lower 32 bits" */
#define QUEUE 8

mtype = { READY_EMPTY, READY_LIVE, READY_IN_DOUBT, REPORT, CHECKPOINTED,       /* node -> coordinator */
          OPEN_WINDOW, COMMIT, ABORT, RESTORE, CHECKPOINT };                   /* coordinator -> node */

/* Control streams. After a break each end still reads a part of what was under way, then notices, and the rest is lost. */
chan to_coordinator[N] = [QUEUE] of { mtype, byte, byte };
chan to_node[N] = [QUEUE] of { mtype, byte, byte };
bit at_coordinator[N];   /* the coordinator takes the stream for open */
bit at_node[N];          /* the node does */
bit broken[N];           /* nothing more gets into it */

/* The ledger: what outlives the coordinator. */
byte ledger_starts = 1;
byte ledger_next = 0;                   /* windows committed */
byte ledger_attempt[WINDOWS];           /* in which attempt; 0: not committed */
byte ledger_view[WINDOWS];              /* who took part */
byte ledger_has[WINDOWS + 1];           /* which nodes have checkpoint c */

/* The coordinator: lost when it dies. */
#define IDLE 0
#define OPENED 1                        /* an attempt is open */
#define DECIDED 2                       /* all have reported: inside the handler of the last Report */
#define SAVING 3                        /* waits for Checkpointed */
#define DONE 4
byte phase = IDLE;
byte attempts;                          /* of this start */
byte attempt;                           /* the open one */
byte view;
byte reported;
byte up;                                /* Ready and answered */
byte saving;                            /* still to say Checkpointed */

/* Nodes: lost when they die, but for the files. */
#define OUT 0                           /* in no window */
#define IN 1                            /* OpenWindow came */
#define IN_DOUBT 2                      /* reported, waits for the outcome */
byte node_state[N];
bit live[N];                            /* holds state of the run in memory */
byte node_window[N];
byte node_attempt[N];
byte applied[N];                        /* set of windows that its parameters have seen */
byte files[N];                          /* on disk: set of checkpoints */
typedef Files { byte applied[WINDOWS + 1] };
Files file[N];

/* Not part of the system: what the properties need. */
byte forgot[N];                         /* last attempt that a live node has forgotten */
byte owed[N];                           /* windows that the parameters should have seen */
byte faults = FAULTS;

hidden byte i;
hidden byte c;
hidden byte x;
hidden byte y;

inline empty_queue(q) {
  do
  :: len(q) > 0 -> q?_,_,_
  :: else -> break
  od
}

inline send_to_node(n, kind, a, b) {
  if
  :: at_coordinator[n] && !broken[n] -> assert(len(to_node[n]) < QUEUE); to_node[n]!kind,a,b
  :: else
  fi
}

inline send_to_coordinator(n, kind, a, b) {
  if
  :: at_node[n] && !broken[n] -> assert(len(to_coordinator[n]) < QUEUE); to_coordinator[n]!kind,a,b
  :: else
  fi
}

/* ---------------------------------------------------------------- the coordinator */

/* "the coordinator aborts the attempt: Abort to all that are up" */
inline abort_attempt() {
  i = 0;
  do
  :: i < N ->
     if
     :: (view & up & BIT(i)) -> send_to_node(i, ABORT, ledger_next, attempt)
     :: else
     fi;
     i++
  :: else -> break
  od;
  phase = IDLE; view = 0; reported = 0; attempt = 0
}

/* A node is lost: its stream broke, it was silent, or a new connection replaces its old one. */
inline lose(n) {
  at_coordinator[n] = 0;
  broken[n] = 1;
  empty_queue(to_coordinator[n]);
  up = up & ~BIT(n);
#if MUTANT != 6                         /* 6: waits for ever for the Checkpointed of a node that is lost */
  saving = saving & ~BIT(n);
#endif
  if
  :: phase == OPENED && (view & BIT(n)) -> abort_attempt()
  :: else
  fi
}

/* Hello, Welcome, Ready. */
inline accept(n) {
  if
#if MUTANT == 5                         /* 5: a new connection takes the place of the old one, the attempt goes on */
  :: at_coordinator[n] && phase == OPENED && (view & BIT(n)) -> empty_queue(to_coordinator[n])
#endif
  :: else -> lose(n)
  fi;
  at_coordinator[n] = 1; at_node[n] = 1; broken[n] = 0;
  if
  :: !live[n] -> send_to_coordinator(n, READY_EMPTY, files[n], 0)
  :: live[n] && node_state[n] == IN_DOUBT ->
     send_to_coordinator(n, READY_IN_DOUBT, node_window[n], node_attempt[n])
  :: live[n] && node_state[n] != IN_DOUBT -> send_to_coordinator(n, READY_LIVE, 0, 0)
  fi
}

/* The last complete checkpoint below `limit` among the set `held`; 0: fresh parameters. */
inline last_complete(held, limit) {
  c = limit;
  do
  :: c == 0 -> break
  :: c > 0 -> c--;
     if
     :: c > 0 && ledger_has[c] == ALL && (held & BIT(c)) -> break
     :: else
     fi
  od
}

/* The table of answers to Ready. The answer carries the attempt that the node asks about. */
inline answer_in_doubt(n) {
  if
#if MUTANT == 2                         /* 2: looks for the window and forgets the attempt */
  :: x < ledger_next -> send_to_node(n, COMMIT, x, y)
#else
  :: x < ledger_next && ledger_attempt[x] == y -> send_to_node(n, COMMIT, x, y)
#endif
  :: else -> send_to_node(n, ABORT, x, y)
  fi;
  up = up | BIT(n)
}

/* Step 7, and the decision of step 8. */
inline take_report(n) {
  if
  :: phase == OPENED && y == attempt -> assert(x == ledger_next);
     reported = reported | BIT(n);
     if
     :: reported == view -> phase = DECIDED
     :: else
     fi
  :: else                               /* of another attempt: dropped */
  fi
}

inline write_ledger() {
  assert(ledger_attempt[ledger_next] == 0);                 /* a number commits once */
  ledger_attempt[ledger_next] = attempt;
  ledger_view[ledger_next] = view;
  i = 0;
  do
  :: i < N ->
     assert(!(view & BIT(i)) || forgot[i] != attempt);      /* nobody has forgotten what counts now */
     if
     :: (view & BIT(i)) -> owed[i] = owed[i] | BIT(ledger_next)
     :: else
     fi;
     i++
  :: else -> break
  od;
  ledger_next++
}

inline send_commits(w) {
  i = 0;
  do
  :: i < N ->
     if
     :: (view & up & BIT(i)) -> send_to_node(i, COMMIT, w, attempt)
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* After a commit: Checkpoint(ledger_next) to all that are up, if it is time. */
inline after_commit() {
  view = 0; reported = 0; attempt = 0; phase = IDLE;
  if
  :: ledger_next % EVERY == 0 || ledger_next == WINDOWS ->
     phase = SAVING;
     saving = up;
#if MUTANT == 7                         /* 7: lets the nodes delete what is not yet replaced */
     c = ledger_next;
#else
     last_complete(255, ledger_next);
#endif
     i = 0;
     do
     :: i < N ->
        if
        :: (up & BIT(i)) -> send_to_node(i, CHECKPOINT, ledger_next, c)
        :: else
        fi;
        i++
     :: else -> break
     od
  :: else
  fi
}

inline open_window() {
  attempts++;
  attempt = ledger_starts * BOOT + attempts;
  view = up;
  phase = OPENED;
  i = 0;
  do
  :: i < N ->
     if
     :: (view & BIT(i)) -> send_to_node(i, OPEN_WINDOW, ledger_next, attempt)
     :: else
     fi;
     i++
  :: else -> break
  od
}

/* It dies and is started again on the same run folder. */
inline restart_coordinator() {
  i = 0;
  do
  :: i < N ->
     at_coordinator[i] = 0; broken[i] = 1;
     empty_queue(to_coordinator[i]);
     i++
  :: else -> break
  od;
  phase = IDLE; attempts = 0; attempt = 0; view = 0; reported = 0; up = 0; saving = 0;
#if MUTANT != 4                         /* 4: attempts start again with every start */
  ledger_starts++
#endif
}

/* ---------------------------------------------------------------- a node */

inline forget(n) {
  assert(node_window[n] >= ledger_next || ledger_attempt[node_window[n]] != node_attempt[n]);
  forgot[n] = node_attempt[n];
  node_state[n] = OUT; node_window[n] = 0; node_attempt[n] = 0
}

inline step(n) {
  assert(x < ledger_next && ledger_attempt[x] == y);        /* the ledger has it, in this attempt */
  assert(ledger_view[x] & BIT(n));                          /* with this node */
  assert(!(applied[n] & BIT(x)));                           /* once */
  applied[n] = applied[n] | BIT(x);
  node_state[n] = OUT; node_window[n] = 0; node_attempt[n] = 0
}

/* Its control stream is gone. What it has reported stays; a window that it has not reported is forgotten. */
inline disconnect(n) {
  at_node[n] = 0;
  empty_queue(to_node[n]);
  if
#if MUTANT == 3                         /* 3: decides by itself when in doubt */
  :: node_state[n] != OUT -> forget(n)
#elif MUTANT == 8                       /* 8: keeps an open window over a reconnect */
#else
  :: node_state[n] == IN -> forget(n)
#endif
  :: else
  fi
}

inline take_open(n) {
  assert(live[n]);
#if MUTANT == 8
  node_state[n] = (node_state[n] == IN -> OUT : node_state[n]);
#endif
  assert(node_state[n] == OUT);         /* the outcome of the one before comes first */
  node_state[n] = IN; node_window[n] = x; node_attempt[n] = y
}

inline take_abort(n) {
  if
  :: node_state[n] != OUT && node_window[n] == x && node_attempt[n] == y -> forget(n)
  :: else
  fi
}

inline take_commit(n) {
  assert(node_state[n] == IN_DOUBT && node_window[n] == x && node_attempt[n] == y);
  step(n)
}

inline take_restore(n) {
  assert(x == 0 || (files[n] & BIT(x)));
  live[n] = 1;
  applied[n] = file[n].applied[x];
  owed[n] = applied[n]
}

/* Writes checkpoint x, then deletes those below y. */
inline take_checkpoint(n) {
  assert(live[n] && node_state[n] == OUT);
  files[n] = files[n] | BIT(x);
  file[n].applied[x] = applied[n];
  c = 1;
  do
  :: c < y -> files[n] = files[n] & ~BIT(c); file[n].applied[c] = 0; c++
  :: else -> break
  od;
  last_complete(255, WINDOWS + 1);
  assert(c == 0 || (files[n] & BIT(c)));                    /* the last complete one is there to go back to */
  send_to_coordinator(n, CHECKPOINTED, x, 0)
}

/* It dies and is started again: only its files are left. */
inline restart_node(n) {
  at_node[n] = 0; broken[n] = 1;
  empty_queue(to_node[n]);
  live[n] = 0; applied[n] = 0; owed[n] = 0;
  node_state[n] = OUT; node_window[n] = 0; node_attempt[n] = 0; forgot[n] = 0
}

/* ---------------------------------------------------------------- processes */

active [N] proctype Node() {            /* _pid 0 .. N - 1 */
end:
  do
  :: d_step { node_state[_pid] == IN ->
       send_to_coordinator(_pid, REPORT, node_window[_pid], node_attempt[_pid]); node_state[_pid] = IN_DOUBT;
#if MUTANT == 9                         /* 9: steps when it reports */
       x = node_window[_pid]; y = node_attempt[_pid]; step(_pid);
#endif
       skip }
  :: d_step { to_node[_pid]?OPEN_WINDOW,x,y -> take_open(_pid); skip }
  :: d_step { to_node[_pid]?COMMIT,x,y -> take_commit(_pid); skip }
  :: d_step { to_node[_pid]?ABORT,x,y -> take_abort(_pid); skip }
  :: d_step { to_node[_pid]?RESTORE,x,y -> take_restore(_pid); skip }
  :: d_step { to_node[_pid]?CHECKPOINT,x,y -> take_checkpoint(_pid); skip }
  :: d_step { at_node[_pid] && broken[_pid] -> disconnect(_pid); skip }
  :: d_step { faults > 0 && (at_node[_pid] || live[_pid]) -> faults--; restart_node(_pid); skip }
  od
}

/* The coordinator's dealings with one node. It does one thing at a time: nothing else inside the last Report. */
#define n (_pid - N)
active [N] proctype Stream() {          /* _pid N .. 2N - 1 */
end:
  do
  :: d_step { phase != DECIDED && !at_node[n] -> accept(n); skip }
  :: d_step { phase != DECIDED && at_coordinator[n] && broken[n] -> lose(n); skip }
  :: d_step { phase != DECIDED && len(to_coordinator[n]) > 0 && at_coordinator[n] ->
       if
       :: to_coordinator[n]?READY_EMPTY,x,y -> last_complete(x, WINDOWS + 1); send_to_node(n, RESTORE, c, 0);
          up = up | BIT(n)
       :: to_coordinator[n]?READY_LIVE,x,y -> up = up | BIT(n)
       :: to_coordinator[n]?READY_IN_DOUBT,x,y -> answer_in_doubt(n)
       :: to_coordinator[n]?REPORT,x,y -> take_report(n)
       :: to_coordinator[n]?CHECKPOINTED,x,y -> ledger_has[x] = ledger_has[x] | BIT(n); saving = saving & ~BIT(n)
       fi;
       skip }
  :: d_step { faults > 0 && at_coordinator[n] && at_node[n] && !broken[n] -> faults--; broken[n] = 1; skip }
  od
}
#undef n

active proctype Windows() {
end:
  do
  :: d_step { phase == IDLE && ledger_next < WINDOWS && ENOUGH -> open_window(); skip }
  :: d_step { phase == IDLE && ledger_next == WINDOWS -> phase = DONE; skip }
  :: d_step { phase == SAVING && saving == 0 -> phase = IDLE; skip }
#if MUTANT == 1                         /* 1: Commit goes out before the ledger has it */
  :: phase == DECIDED ->
     d_step { send_commits(ledger_next); skip };
     if
     :: d_step { phase == DECIDED -> write_ledger(); after_commit(); skip }
     :: phase != DECIDED
     fi
#else
  :: phase == DECIDED ->
     if
     :: d_step { phase == DECIDED && ledger_attempt[ledger_next] == 0 -> write_ledger(); skip }
     :: phase != DECIDED
     fi;
     if
     :: d_step { phase == DECIDED -> send_commits(ledger_next - 1); after_commit(); skip }
     :: phase != DECIDED
     fi
#endif
  od
}

active proctype Crash() {
end:
  do
  :: d_step { faults > 0 && (phase != IDLE || up != 0) -> faults--; restart_coordinator(); skip }
  od
}

/* When nothing more can happen, the run has ended, nobody is in doubt, and every node's parameters have seen the windows
 * that it took part in since it was restored: no more, no fewer. */
active proctype Monitor() {
  timeout ->
  d_step {
    assert(phase == DONE && ledger_next == WINDOWS);
    i = 0;
    do
    :: i < N -> assert(live[i] && node_state[i] == OUT && applied[i] == owed[i]); i++
    :: else -> break
    od;
    skip
  }
}

ltl goes_on { <> (phase == DONE) }
