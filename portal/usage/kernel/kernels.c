/* Meter-days, many at once: the same as numpy_kernel.py does, some ten times as fast. Loaded by c_kernel.py.
 *
 * The kernels read the canonical form of a file only. In front of the first meter-day that is irregular in any way they
 * stop, and the strict parser, in Python, reads or refuses it. So nothing here says why something is wrong.
 *
 * Every pointer into text is checked against the end of its line before it is followed; lines are found first, and a
 * line has a greatest length.
 */
#include "fields.h"

/* ---- interval CSV of Smart Meter Texas ---- */

typedef struct {
    int rows;
    const u8 *revised; /* of the first row, with its comma */
    int64_t revised_size, revised_at;
    quarters found;
} series;

/* MM/DD/YYYY as an ordinal; 0 if there is no such day. The ten bytes are there. */
static int64_t smt_date(const u8 *text)
{
    return text[2] == '/' && text[5] == '/' ? ordinal(number(text + 6, 4), number(text, 2), number(text + 3, 2)) : 0;
}

/* The revision date of a series' first row. Returns 0 if it is none that the calendar has. */
static int smt_revised(const u8 *text, const u8 *end, const calendar *days, series *one)
{
    one->revised = text;
    one->revised_size = 1;
    one->revised_at = NO_REVISION;
    if (text < end && *text == ',')
        return 1;
    if (end - text < 20 || text[10] != ' ' || text[13] != ':' || text[16] != ':' || text[19] != ',')
        return 0;
    one->revised_size = 20;
    one->revised_at = instant(days, smt_date(text), number(text + 11, 2), number(text + 14, 2), number(text + 17, 2));
    return one->revised_at >= 0;
}

/* One row, whose ESI ID and date were compared already. Returns 0 if it is not the next of its series, which then is as
 * before. */
static int smt_row(const u8 *text, const u8 *end, const form *rows, const calendar *days, series *both)
{
    static const char consumption[] = ",Consumption", generation[] = ",Surplus Generation";
    const u8 *tail = end - 12;
    int channel = 0;
    if (end - text < 20 || memcmp(tail, consumption, 12)) {
        tail = end - 19;
        channel = 1;
        if (end - text < 20 || memcmp(tail, generation, 19))
            return 0;
    }
    series *one = both + channel;
    if (one->rows >= rows->rows)
        return 0;
    if (!one->rows) {
        memset(one->found.values, 0, sizeof one->found.values);
        memset(one->found.missing, 1, sizeof one->found.missing);
        memset(one->found.estimated, 0, sizeof one->found.estimated);
        if (!smt_revised(text, end, days, one))
            return 0;
    }
    if (tail - text < one->revised_size + rows->size + 1 || !same(text, one->revised, one->revised_size))
        return 0;
    text += one->revised_size;
    if (!same(text, (const u8 *)rows->labels[one->rows], rows->size))
        return 0;
    text += rows->size;
    int place = rows->places[one->rows];
    if (tail == text + 1 && *text == ',') {
        one->rows++;
        return 1; /* neither value nor flag */
    }
    if (place < 0 || tail - text < 3 || tail[-2] != ',' || (tail[-1] != 'A' && tail[-1] != 'E'))
        return 0;
    int32_t value = watt_hours(text, tail - 2 - text);
    if (value < 0)
        return 0;
    one->found.values[place] = value;
    one->found.missing[place] = 0;
    one->found.estimated[place] = tail[-1] == 'E';
    one->rows++;
    return 1;
}

/* The rows of one meter's day in one form. Returns where they end, null if they are not all there or not in that form.
 */
static const u8 *smt_rows(const u8 *text, const u8 *end, int final, int64_t prefix, const form *rows,
                          const calendar *days, series *both, int64_t *lines)
{
    const u8 *first = text;
    int64_t size = 0;
    both[0].rows = both[1].rows = 0;
    for (*lines = 0;; ++*lines) {
        if (!begins(text, end, first, prefix)) {
            if (!final && end - text < prefix && begins(first, end, text, end - text))
                return 0; /* what follows may be another row of the day */
            break;
        }
        const u8 *newline = likely_end(text, end, size);
        if (!newline || !smt_row(text + prefix, newline - (newline[-1] == '\r'), rows, days, both)) {
            newline = line_end(text, end, LONGEST_SMT_LINE);
            if (!newline)
                return 0;
            const u8 *stop = newline - (newline[-1] == '\r');
            if (stop - text < prefix || !smt_row(text + prefix, stop, rows, days, both))
                return 0;
        }
        size = newline - text;
        text = newline + 1;
    }
    for (int channel = 0; channel < 2; channel++)
        if (both[channel].rows && both[channel].rows != rows->rows)
            return 0;
    return text;
}

/* Meter-days from data + out->at on, until one is irregular, incomplete or too many. */
void metergate_parse_smt(const u8 *data, int64_t size, int32_t final, const calendar *days, const form *forms,
                         int32_t form_count, columns *out)
{
    const u8 *text = data + out->at, *end = data + size;
    series both[2];
    while (text < end && out->n + 2 <= out->capacity) {
        const u8 *esi_id = text + (*text == '\''), *rest = 0;
        int esi_size = esi_id_size(esi_id, end);
        if (!esi_size || end - esi_id < esi_size + 12)
            return;
        const u8 *date = esi_id + esi_size + 1;
        if (date[-1] != ',' || date[10] != ',')
            return;
        int64_t day = smt_date(date), lines = 0;
        int count = quarters_in(days, day);
        for (int each = 0; each < form_count && !rest; each++)
            if (forms[each].count == count)
                rest = smt_rows(text, end, final, date + 11 - text, forms + each, days, both, &lines);
        if (!rest)
            return;
        for (int channel = 0; channel < 2; channel++)
            if (both[channel].rows)
                emit(out, esi_id, esi_size, day, channel, both[channel].revised_at, &both[channel].found, count);
        text = rest;
        out->at = text - data;
        out->lines += lines;
    }
}

/* ---- LodeStar Enhanced ---- */

/* YYYYMMDD as an ordinal; 0 if there is no such day. The eight bytes are there. */
static int64_t lse_date(const u8 *text)
{
    return ordinal(number(text, 4), number(text + 4, 2), number(text + 6, 2));
}

/* A line that begins so: sets where it ends and returns what follows the beginning, null if there is none. */
static const u8 *lse_line(const u8 **text, const u8 *end, const char *with, const u8 **stop)
{
    const u8 *from = *text, *newline = line_end(from, end, LONGEST_LSE_LINE);
    if (!newline || !begins(from, newline, with, 9))
        return 0;
    *stop = newline - (newline[-1] == '\r');
    *text = newline + 1;
    return from + 9;
}

static int plain(const u8 *text, const u8 *end)
{
    for (; text < end; text++)
        if (*text < ' ' || *text > '~')
            return 0;
    return 1;
}

/* The second row: readings and factors that change nothing, 900 seconds, kWh, and four fields that are numbers. */
static int lse_meter(const u8 *text, const u8 *end)
{
    static const char *wanted[] = {0, 0, "1", "0", "1", "0", "900", "01", 0, 0, 0, 0};
    for (int field = 0; field < 12; field++) {
        const u8 *from = text;
        while (text < end && *text != ',') {
            if (*text != '.' && (*text < '0' || *text > '9'))
                return 0;
            text++;
        }
        int64_t size = text - from;
        const char *want = wanted[field];
        int must = field == 6 || field == 7;
        if (size > 16 || (want && (size || must) && !(size == (int64_t)strlen(want) && begins(from, end, want, size))))
            return 0;
        if ((text < end) != (field < 11))
            return 0;
        text++;
    }
    return 1;
}

/* The triples of one data row behind its sort code. Returns how many, 0 if one is odd or there is no room. */
static int lse_row(const u8 *text, const u8 *end, quarters *found, int at, int count)
{
    int done = 0;
    for (;;) {
        const u8 *from = text;
        int32_t quick = end - text > 6 && text[5] == ',' ? short_watt_hours(text) : -1;
        if (quick >= 0)
            text += 5;
        while (text < end && *text != ',' && text - from <= 10)
            text++;
        if (at + done >= count || end - text < 2 || *text != ',')
            return 0;
        int64_t size = text++ - from;
        int32_t value = quick >= 0 ? quick : size ? watt_hours(from, size) : 0;
        int status = *text == 'A' || *text == 'E' ? *text++ : 0;
        if (value < 0 || (!size && (status || done || text >= end)))
            return 0;
        found->values[at + done] = value;
        found->missing[at + done] = !size;
        found->estimated[at + done++] = status == 'E';
        if (text == end)
            return done; /* the last third field left out */
        if (*text++ != ',')
            return 0;
        text += text < end && *text == ' ';
        if (text == end)
            return done;
        if (*text++ != ',')
            return 0;
        if (text == end)
            return done; /* a comma behind the last */
        if (!size)
            return 0; /* whether more is missing or only commas follow is not for a kernel to tell */
    }
}

/* The data rows of a day. Returns where they end, null if they are not as they should be. */
static const u8 *lse_rows(const u8 *text, const u8 *end, int final, quarters *found, int count, int64_t *lines)
{
    char code[] = "10000000,";
    int64_t size = 0;
    for (int row = 0, at = 0; at < count; row++, ++*lines) {
        code[6] = (char)('0' + row / 10);
        code[7] = (char)('0' + row % 10);
        const u8 *begin = text, *stop = likely_end(text, end, size);
        int done = 0;
        if (stop && size > 9 && begins(begin, stop, code, 9))
            done = lse_row(begin + 9, stop - (stop[-1] == '\r'), found, at, count);
        if (done)
            text = stop + 1;
        else {
            const u8 *from = lse_line(&text, end, code, &stop);
            done = from && stop >= from ? lse_row(from, stop, found, at, count) : 0;
            if (!done)
                return 0;
        }
        size = text - 1 - begin;
        at += done;
    }
    int last = final && text == end;
    return last || begins(text, end, "00000001", 8) ? text : 0;
}

/* Meter-days as metergate_parse_smt reads them; each is four header rows and its data rows. */
void metergate_parse_lse(const u8 *data, int64_t size, int32_t final, const calendar *days, columns *out)
{
    const u8 *text = data + out->at, *end = data + size, *stop;
    quarters found;
    while (text < end && out->n + 1 <= out->capacity) {
        const u8 *esi_id = lse_line(&text, end, "00000001,", &stop);
        int esi_size = esi_id ? esi_id_size(esi_id, stop) : 0;
        if (!esi_size || stop - esi_id != esi_size + 36)
            return;
        const u8 *rest = esi_id + esi_size;
        if (rest[0] != ',' || (rest[1] != '1' && rest[1] != '4') || rest[2] != ',')
            return;
        if (memcmp(rest + 11, "000000,", 7) || memcmp(rest + 3, rest + 18, 8) || memcmp(rest + 26, "2359", 4) ||
            (memcmp(rest + 30, "59", 2) && memcmp(rest + 30, "00", 2)) || memcmp(rest + 32, ",Y,N", 4))
            return;
        int64_t day = lse_date(rest + 3), lines = 4, revised = NO_REVISION;
        int channel = rest[1] == '1', count = quarters_in(days, day);
        const u8 *row = count ? lse_line(&text, end, "00000002,", &stop) : 0;
        if (!row || !lse_meter(row, stop))
            return;
        row = lse_line(&text, end, "00000003,", &stop);
        if (!row || stop - row > 100 || !plain(row, stop))
            return;
        row = lse_line(&text, end, "00000004,", &stop);
        if (!row || stop - row > 100 || !plain(row, stop) || stop == row)
            return;
        if (*row != ',') {
            if (stop - row < 15 || row[14] != ',')
                return;
            revised = instant(days, lse_date(row), number(row + 8, 2), number(row + 10, 2), number(row + 12, 2));
            if (revised < 0)
                return;
        }
        text = lse_rows(text, end, final, &found, count, &lines);
        if (!text)
            return;
        emit(out, esi_id, esi_size, day, channel, revised, &found, count);
        out->at = text - data;
        out->lines += lines;
    }
}

/* ---- rows of an interval CSV ---- */

static u8 *put_number(u8 *out, int64_t value, int size)
{
    for (int at = size - 1; at >= 0; at--, value /= 10)
        out[at] = (u8)('0' + value % 10);
    return out + size;
}

/* MM/DD/YYYY of an ordinal from year 2000 on. */
static u8 *put_date(u8 *out, int64_t day)
{
    int32_t year = 2000, month = 1;
    while (ordinal(year + 1, 1, 1) <= day)
        year++;
    while (month < 12 && ordinal(year, month + 1, 1) <= day)
        month++;
    out = put_number(out, month, 2);
    *out++ = '/';
    out = put_number(out, day - ordinal(year, month, 1) + 1, 2);
    *out++ = '/';
    return put_number(out, year, 4);
}

/* A revision date in wall time, nothing for none; null if the calendar does not have it. */
static u8 *put_instant(u8 *out, const calendar *days, int64_t seconds)
{
    int64_t low = 0, high = days->days;
    if (seconds == NO_REVISION)
        return out;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        *(days->midnights[middle] <= seconds ? &low : &high) = middle;
    }
    int64_t past = seconds - days->midnights[low], length = days->counts[low] * (int64_t)900;
    if (past < 0 || past >= length)
        return 0;
    if (past >= 7200)
        past += days->counts[low] == 92 ? 3600 : days->counts[low] == 100 ? -3600 : 0;
    out = put_date(out, days->first + low);
    *out++ = ' ';
    out = put_number(out, past / 3600, 2);
    *out++ = ':';
    out = put_number(out, past / 60 % 60, 2);
    *out++ = ':';
    return put_number(out, past % 60, 2);
}

static u8 *put_value(u8 *out, int32_t value, int estimated)
{
    int64_t left = value;
    int digits = 1;
    for (int64_t more = left / 10000; more; more /= 10)
        digits++;
    out = put_number(out, left / 1000, digits);
    *out++ = '.';
    out = put_number(out, left % 1000, 3);
    *out++ = ',';
    *out++ = estimated ? 'E' : 'A';
    return out;
}

/* The rows of n meter-days of one ESI ID, in room for LONGEST_ROW bytes each of n * MOST_COUNT. forms has the labels of
 * days of 92, 96 and 100. Returns the bytes written, or -1 - the number of the first meter-day that cannot be. */
int64_t metergate_format_smt(const u8 *esi_id, int64_t esi_size, int64_t n, const int32_t *days, const u8 *channels,
                             const int64_t *revised, const u8 *blocks, const int64_t *ends, const calendar *chicago,
                             const form *forms, u8 *text)
{
    static const char *names[] = {",Consumption\n", ",Surplus Generation\n"};
    u8 *out = text, head[64];
    quarters found;
    int64_t from = 0;
    for (int64_t each = 0; each < n; from = ends[each++]) {
        int count = unpack_day(blocks + from, ends[each] - from, found.values, found.missing, found.estimated);
        if (count < 1 || count != quarters_in(chicago, days[each]) || esi_size > ESI_ID_WIDTH || channels[each] > 1)
            return -1 - each;
        u8 *at = head;
        *at++ = '\'';
        memcpy(at, esi_id, (size_t)esi_size);
        at += esi_size;
        *at++ = ',';
        at = put_date(at, days[each]);
        *at++ = ',';
        at = put_instant(at, chicago, revised[each]);
        if (!at)
            return -1 - each;
        *at++ = ',';
        const form *rows = forms + (count - 92) / 4;
        const char *name = names[channels[each]];
        int64_t above = 0;
        for (int place = 0; place < count; place++)
            above |= found.values[place] | (int64_t)MOST_WH - found.values[place];
        if (above < 0)
            return -1 - each; /* a value that no file can hold */
        size_t head_size = (size_t)(at - head), name_size = strlen(name);
        for (int place = 0; place < count; place++) {
            memcpy(out, head, head_size);
            out += head_size;
            memcpy(out, rows->labels[place], (size_t)rows->size);
            out += rows->size;
            if (found.missing[place])
                *out++ = ',';
            else
                out = put_value(out, found.values[place], found.estimated[place]);
            memcpy(out, name, name_size);
            out += name_size;
        }
    }
    return out - text;
}
