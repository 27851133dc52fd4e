/* base/json.h: JSON, written as it comes: nothing is kept but whether a comma is due.
 *
 * Strings are any bytes. What is no UTF-8 becomes \\xNN, which reads as the four characters \xNN; NUL and other control
 * characters become \u00NN; "</" becomes "<\/" and "<!" "\u003c!", so that the text may stand in a <script>. Numbers
 * beyond 2^53 - 1, which readers with doubles would round, become strings of their digits. */
#ifndef HUSK_BASE_JSON_H
#define HUSK_BASE_JSON_H

#include "base/out.h"

struct husk__json {
    struct husk__out *out;
    bool comma; /* a value stands before */
    bool line;  /* what comes next begins a line */
};

extern const struct husk__escape husk__json_escape;

void husk__json_begin(struct husk__json *json, struct husk__out *out);
/* '{' or '[' and '}' or ']'; or '"' for a string that is written in pieces to `out`, escaped. */
void husk__json_open(struct husk__json *json, char bracket);
void husk__json_close(struct husk__json *json, char bracket);
/* The name of the next value: letters of ours. */
void husk__json_key(struct husk__json *json, const char *key);
/* The next value begins a line. */
void husk__json_line(struct husk__json *json);

void husk__json_string(struct husk__json *json, const char *bytes, size_t length);
void husk__json_text(struct husk__json *json, const char *text);
void husk__json_u64(struct husk__json *json, uint64_t value);
/* The digits, whatever the value: for forms whose readers want it so. */
void husk__json_number(struct husk__json *json, uint64_t value);
void husk__json_i64(struct husk__json *json, int64_t value);
/* "0x7f..", a string. */
void husk__json_hex(struct husk__json *json, uint64_t value);
void husk__json_null(struct husk__json *json);
void husk__json_bool(struct husk__json *json, bool value);

#endif
