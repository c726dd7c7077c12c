// An empty table in the place of ICU's 34 MB of languages, calendars and time zones.
//
// Foundation links ICU, and GRDB and our own JSON coders link Foundation. Nothing in connlog sorts, formats or reads
// anything by a language's rules: times, numbers and durations are written by our own code, always the same way. So ICU
// is told that there is no data, as its own "stubdata" does. NoLocalesTests keeps it so.
//
// CONNLOG_ICU_TABLE is the symbol that this toolchain's ICU looks for, such as icudt76_dat; `config/static/build.sh` finds
// it out. Ours comes before the libraries, so theirs is not linked. In other builds there is nothing here.
#ifdef CONNLOG_ICU_TABLE
#include <stdint.h>

struct table {
    uint16_t header_size;
    uint8_t magic[2];
    uint16_t info_size, reserved_word;
    uint8_t is_big_endian, charset_family, character_size, reserved_byte;
    uint8_t format[4], format_version[4], data_version[4];
    uint8_t padding[8];
    uint32_t count, reserved;
};

_Alignas(16) const struct table CONNLOG_ICU_TABLE = {
    .header_size = 32,
    .magic = {0xda, 0x27},
    .info_size = 20,
    .is_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__,
    .character_size = 2,
    .format = {'T', 'o', 'C', 'P'},
    .format_version = {1},
};
#endif
