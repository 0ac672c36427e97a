/* What kernels.c reads into and writes from: days, columns, and blocks in the form that portal/usage/day_block.py tells.
 */
#include <stdint.h>
#include <string.h>

enum { MOST_COUNT = 100, ESI_ID_WIDTH = 22, ESTIMATED = 1, MISSING = 2, NO_REVISION = -1 };
enum { HEADER = 7, MAP = 13, MOST_BLOCK = HEADER + 2 * MAP + 4 * MOST_COUNT };
enum { LONGEST_SMT_LINE = 256, LONGEST_LSE_LINE = 4096, LONGEST_ROW = 128, MOST_WH = 999999999 };

typedef uint8_t u8;

/* The Chicago days from an ordinal on: seconds since 1970 of each midnight, and how many quarter hours each has. */
typedef struct {
    int64_t first, days;
    const int64_t *midnights;
    const u8 *counts;
} calendar;

/* The labels of a day's rows as a file has them, `size` bytes each, and which quarter hour each row is, or -1 for a row
 * of the hour that the day does not have. */
typedef struct {
    int32_t count, rows, size;
    char labels[MOST_COUNT][16];
    int8_t places[MOST_COUNT];
} form;

/* Where meter-days go: columns as portal/usage/batch.py has them, blocks one after the other with their ends. */
typedef struct {
    int64_t capacity;
    u8 *esi_ids;
    int32_t *days;
    u8 *channels;
    int64_t *revised, *totals;
    u8 *missing;
    int64_t *ends;
    u8 *blocks;
    int64_t n, at, lines;
} columns;

typedef struct {
    int32_t values[MOST_COUNT];
    u8 missing[MOST_COUNT], estimated[MOST_COUNT];
} quarters;

const char *metergate_kernels(void) { return KERNELS_DIGEST; }

static u8 *put_map(u8 *out, const u8 *flags, int count)
{
    for (int at = 0; at < count; at += 8) {
        unsigned bits = 0;
        for (int place = at; place < count && place < at + 8; place++)
            bits |= (unsigned)(flags[place] != 0) << (place - at);
        *out++ = (u8)bits;
    }
    return out;
}

static int any(const u8 *flags, int count)
{
    unsigned found = 0;
    for (int place = 0; flags && place < count; place++)
        found |= flags[place];
    return found != 0;
}

/* The block of a day; missing and estimated may be null. Returns its size, at most MOST_BLOCK. */
static int64_t pack_day(const int32_t *values, const u8 *missing, const u8 *estimated, int count, u8 *block)
{
    int gone = any(missing, count), guessed = any(estimated, count), known = 0;
    int32_t least = 0, most = 0;
    for (int place = 0; place < count; place++) {
        if (gone && missing[place])
            continue;
        if (!known || values[place] < least)
            least = values[place];
        if (!known || values[place] > most)
            most = values[place];
        known = 1;
    }
    uint32_t span = (uint32_t)most - (uint32_t)least;
    int width = 0;
    while (width < 32 && span >> width)
        width++;
    uint32_t base = (uint32_t)least;
    block[0] = (u8)((guessed ? ESTIMATED : 0) | (gone ? MISSING : 0));
    block[1] = (u8)count;
    block[2] = (u8)width;
    for (int byte = 0; byte < 4; byte++)
        block[3 + byte] = (u8)(base >> 8 * byte);
    u8 *out = block + HEADER;
    if (gone)
        out = put_map(out, missing, count);
    if (guessed)
        out = put_map(out, estimated, count);
    uint64_t bits = 0;
    int filled = 0;
    for (int place = 0; place < count; place++) {
        uint32_t value = gone && missing[place] ? 0 : (uint32_t)values[place] - base;
        bits |= (uint64_t)value << filled;
        filled += width;
        if (filled >= 32) {
            for (int byte = 0; byte < 4; byte++)
                *out++ = (u8)(bits >> 8 * byte);
            bits >>= 32;
            filled -= 32;
        }
    }
    for (; filled > 0; filled -= 8, bits >>= 8)
        *out++ = (u8)bits;
    return out - block;
}

/* A block's quarter hours; a missing one is 0. Returns how many, or -1 for bytes that are no block of 32-bit values. */
static int unpack_day(const u8 *block, int64_t size, int32_t *values, u8 *missing, u8 *estimated)
{
    if (size < HEADER)
        return -1;
    int form = block[0], count = block[1], width = block[2], map = (count + 7) / 8;
    if (form > 3 || count > MOST_COUNT || width > 32)
        return -1;
    int64_t at = HEADER + map * ((form & 1) + (form >> 1));
    if (size != at + (count * width + 7) / 8)
        return -1;
    uint32_t base = 0;
    for (int byte = 0; byte < 4; byte++)
        base |= (uint32_t)block[3 + byte] << 8 * byte;
    int64_t least = base < 0x80000000u ? (int64_t)base : (int64_t)base - 0x100000000;
    const u8 *gone = block + HEADER, *guessed = block + at - map;
    u8 bytes[4 * MOST_COUNT + 8] = {0};
    memcpy(bytes, block + at, (size_t)(size - at));
    uint64_t mask = ((uint64_t)1 << width) - 1;
    for (int place = 0; place < count; place++) {
        const u8 *from = bytes + place * width / 8;
        uint64_t bits = 0;
        for (int byte = 0; byte < 8; byte++)
            bits |= (uint64_t)from[byte] << 8 * byte;
        int64_t value = least + (int64_t)(bits >> (place * width & 7) & mask);
        missing[place] = form & MISSING ? gone[place / 8] >> (place & 7) & 1 : 0;
        estimated[place] = form & ESTIMATED ? guessed[place / 8] >> (place & 7) & 1 : 0;
        if (missing[place])
            value = 0;
        if (value > INT32_MAX)
            return -1;
        values[place] = (int32_t)value;
    }
    return count;
}

/* n days of count quarter hours to blocks, one after the other; ends has where each ends. */
void metergate_pack(int64_t n, int64_t count, const int32_t *values, const u8 *missing, const u8 *estimated,
                    u8 *blocks, int64_t *ends)
{
    int64_t used = 0;
    for (int64_t day = 0; day < n; day++) {
        int64_t at = day * count;
        used += pack_day(values + at, missing ? missing + at : 0, estimated ? estimated + at : 0, (int)count,
                         blocks + used);
        ends[day] = used;
    }
}

/* n blocks to quarter hours, one after the other, in room for n * MOST_COUNT. Returns how many, or -1 - the number of
 * the first block that is none. */
int64_t metergate_unpack(int64_t n, const u8 *blocks, const int64_t *ends, u8 *counts, int32_t *values, u8 *missing,
                         u8 *estimated)
{
    int64_t used = 0, from = 0;
    for (int64_t day = 0; day < n; from = ends[day++]) {
        int count = unpack_day(blocks + from, ends[day] - from, values + used, missing + used, estimated + used);
        if (count < 0)
            return -1 - day;
        counts[day] = (u8)count;
        used += count;
    }
    return used;
}

