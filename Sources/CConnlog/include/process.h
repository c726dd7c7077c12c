#pragma once

/// How many arguments this process was started with, its own name included, as the C library handed them over; 0 if it did
/// not.
int connlog_argument_count(void);
/// One of them.
const char *_Nullable connlog_argument(int index);

/// What a program wants that holds secrets and serves for years, at its very start:
///
/// - descriptors 0, 1 and 2 are open, so that no file of ours becomes standard error; one that was closed fails when it is used;
/// - new files are for this user only, unless their mode is set;
/// - no core files, which would hold tokens;
/// - it has no right to put its threads before others, which libdispatch would use;
/// - writing to a pipe that nobody reads, or beyond a limit of file sizes, is an error of the call;
/// - SIGQUIT ends it at once; a crash says where and ends it at once, rather than after the many seconds that Swift's
///   backtrace takes. `SWIFT_BACKTRACE` in the environment, whatever it says, leaves that as Swift has it.
void connlog_prepare_process(void);
