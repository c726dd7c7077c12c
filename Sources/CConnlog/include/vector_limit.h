#pragma once


/// For tests: no vectors of more than so many bytes (16 or 32), whatever the processor has.
void connlog_limit_vectors(int bytes);
