/** Exit code of a command line that cannot be understood (EX_USAGE of sysexits.h). */
export const EXIT_USAGE = 64;
/** Exit code of a configuration that cannot be used (EX_CONFIG). A service is not restarted for it. */
export const EXIT_CONFIG = 78;
/** Exit code of what will work once something else has ended (EX_TEMPFAIL). */
export const EXIT_TEMPFAIL = 75;
