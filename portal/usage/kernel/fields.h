/* What stands in a row of either form, and the end of the row: digits, energy, identifiers, days and instants.
 */
#include "blocks.h"

/* Digits as a number; -1 if one is none. size is at most 9. */
static int32_t number(const u8 *text, int size)
{
    int32_t value = 0;
    for (int at = 0; at < size; at++) {
        unsigned digit = text[at] - '0';
        if (digit > 9)
            return -1;
        value = value * 10 + (int32_t)digit;
    }
    return value;
}

static uint64_t eight(const u8 *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    return bytes;
}

/* Whether two texts are the same; of so few bytes a call of memcmp takes longer. */
static int same(const u8 *some, const u8 *others, int64_t size)
{
    uint64_t differ = 0;
    int64_t at = 0;
    for (; at + 8 <= size; at += 8)
        differ |= eight(some + at) ^ eight(others + at);
    if (size >= 8)
        return !(differ | (eight(some + size - 8) ^ eight(others + size - 8)));
    for (; at < size; at++)
        differ |= some[at] ^ others[at];
    return !differ;
}

/* The five bytes of a value such as 0.859 as Wh; -1 if they are something else. */
static int32_t short_watt_hours(const u8 *text)
{
    unsigned ones = text[0] - '0', tenths = text[2] - '0', hundredths = text[3] - '0', thousandths = text[4] - '0';
    if (text[1] != '.' || ones > 9 || tenths > 9 || hundredths > 9 || thousandths > 9)
        return -1;
    return (int32_t)(ones * 1000 + tenths * 100 + hundredths * 10 + thousandths);
}

/* kWh with up to six digits and up to three decimals as Wh; -1 if the text is something else. */
static int32_t watt_hours(const u8 *text, int64_t size)
{
    int32_t quick = size == 5 ? short_watt_hours(text) : -1;
    if (quick >= 0)
        return quick;
    if (size >= 5 && size <= 10 && text[size - 4] == '.') {
        int32_t whole = number(text, (int)size - 4), part = number(text + size - 3, 3);
        return whole < 0 || part < 0 ? -1 : whole * 1000 + part;
    }
    const u8 *dot = size > 0 && size <= 10 ? memchr(text, '.', (size_t)size) : 0;
    int64_t wide = dot ? dot - text : size, decimals = dot ? size - wide - 1 : 0;
    if (wide < 1 || wide > 6 || decimals > 3 || (dot && !decimals))
        return -1;
    int32_t whole = number(text, (int)wide), part = dot ? number(dot + 1, (int)decimals) : 0;
    for (int64_t more = decimals; more < 3 && part > 0; more++)
        part *= 10;
    return whole < 0 || part < 0 ? -1 : whole * 1000 + part;
}

static int esi_id_size(const u8 *text, const u8 *end)
{
    int size = 0;
    while (size <= ESI_ID_WIDTH && text + size < end && text[size] >= '0' && text[size] <= '9')
        size++;
    return size == 17 || size == 22 ? size : 0;
}

/* The proleptic ordinal of a date, 0 if there is no such day. */
static int64_t ordinal(int32_t year, int32_t month, int32_t day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return 0;
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > before[month] - before[month - 1] + (month == 2 && leap))
        return 0;
    int64_t past = year - 1;
    return past * 365 + past / 4 - past / 100 + past / 400 + before[month - 1] + (month > 2 && leap) + day;
}

static int quarters_in(const calendar *days, int64_t day)
{
    return day >= days->first && day < days->first + days->days ? days->counts[day - days->first] : 0;
}

/* A wall time as seconds since 1970; of the hour that comes twice the first. -2 if the calendar does not have it. */
static int64_t instant(const calendar *days, int64_t day, int32_t hour, int32_t minute, int32_t second)
{
    int count = quarters_in(days, day);
    if (!count || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
        return -2;
    int shift = count == 92 && hour >= 3 ? -3600 : count == 100 && hour >= 2 ? 3600 : 0;
    return days->midnights[day - days->first] + hour * 3600 + minute * 60 + second + shift;
}

static const u8 *line_end(const u8 *from, const u8 *end, int64_t longest)
{
    int64_t room = end - from < longest ? end - from : longest;
    return room > 0 ? memchr(from, '\n', (size_t)room) : 0;
}

/* Where a line ends if it is as long as the last one. What stands before must be looked at: it may be a line's end too.
 */
static const u8 *likely_end(const u8 *from, const u8 *end, int64_t last)
{
    return last > 0 && end - from > last && from[last] == '\n' ? from + last : 0;
}

static int begins(const u8 *text, const u8 *end, const void *with, int64_t size)
{
    return end - text >= size && same(text, with, size);
}

static void emit(columns *out, const u8 *esi_id, int esi_size, int64_t day, int channel, int64_t revised,
                 const quarters *found, int count)
{
    int64_t total = 0, n = out->n, used = n ? out->ends[n - 1] : 0;
    int missing = 0;
    for (int place = 0; place < count; place++) {
        total += found->values[place];
        missing += found->missing[place];
    }
    memset(out->esi_ids + n * ESI_ID_WIDTH, 0, ESI_ID_WIDTH);
    memcpy(out->esi_ids + n * ESI_ID_WIDTH, esi_id, (size_t)esi_size);
    out->days[n] = (int32_t)day;
    out->channels[n] = (u8)channel;
    out->revised[n] = revised;
    out->totals[n] = total;
    out->missing[n] = (u8)missing;
    out->ends[n] = used + pack_day(found->values, found->missing, found->estimated, count, out->blocks + used);
    out->n = n + 1;
}
