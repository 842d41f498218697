#include "base/date.h"
#include <inttypes.h>
#include <stdio.h>

/* The proleptic Gregorian calendar, years counted from March. */
int64_t date_days(int64_t year, uint32_t month, uint32_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void date_of_days(int64_t days, int64_t *year, uint32_t *month, uint32_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (uint32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (uint32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

void date_text(int32_t day, char text[16])
{
    int64_t year;
    uint32_t month, day_of_month;
    date_of_days(day, &year, &month, &day_of_month);
    snprintf(text, 16, "%04" PRId64 "-%02u-%02u", year % 100000, month, day_of_month);
}

bool date_digits_take(const char **at, uint32_t count, uint32_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < count; i++) {
        if ((*at)[i] < '0' || (*at)[i] > '9') return false;
        *number = *number * 10 + (uint32_t)((*at)[i] - '0');
    }
    *at += count;
    return true;
}

bool date_take(const char **at, int64_t *days)
{
    uint32_t year, month, day;
    if (!date_digits_take(at, 4, &year) || *(*at)++ != '-' || !date_digits_take(at, 2, &month) || *(*at)++ != '-' ||
        !date_digits_take(at, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    int64_t year_back;
    uint32_t month_back, day_back;
    *days = date_days(year, month, day);
    date_of_days(*days, &year_back, &month_back, &day_back);
    return day_back == day && month_back == month;
}

bool date_parse(const char *text, int32_t *day)
{
    int64_t days;
    if (!date_take(&text, &days) || *text != 0) return false;
    *day = (int32_t)days;
    return true;
}
