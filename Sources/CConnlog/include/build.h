#pragma once

/// The commit that a package was built from, as `config/static/build.sh` says; empty in other builds.
const char *_Nonnull connlog_built_from(void);
