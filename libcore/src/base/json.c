/* base/json.c: see json.h. */
#include "base/json.h"

#include <string.h>

#define EXACT_MAX (((uint64_t)1 << 53) - 1)

const struct husk__escape husk__json_escape = {
    .of = { ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r", ['\t'] = "\\t" },
    .control = "\\u00",
    .odd = "\\\\x",
    .html = true,
};

void husk__json_begin(struct husk__json *json, struct husk__out *out)
{
    *json = (struct husk__json){ out, false, false };
}

/* What has to stand before a value. */
static void before(struct husk__json *json)
{
    if (json->comma)
        husk__out_char(json->out, ',');
    if (json->line)
        husk__out_char(json->out, '\n');
    json->comma = true;
    json->line = false;
}

void husk__json_open(struct husk__json *json, char bracket)
{
    before(json);
    husk__out_char(json->out, bracket);
    json->comma = false;
}

void husk__json_close(struct husk__json *json, char bracket)
{
    json->comma = false;
    before(json);
    husk__out_char(json->out, bracket);
}

void husk__json_key(struct husk__json *json, const char *key)
{
    before(json);
    husk__out_char(json->out, '"');
    husk__out_text(json->out, key);
    husk__out_text(json->out, "\":");
    json->comma = false;
}

void husk__json_line(struct husk__json *json)
{
    json->line = true;
}

void husk__json_string(struct husk__json *json, const char *bytes, size_t length)
{
    before(json);
    husk__out_char(json->out, '"');
    husk__out_escaped(json->out, &husk__json_escape, bytes, length);
    husk__out_char(json->out, '"');
}

void husk__json_text(struct husk__json *json, const char *text)
{
    husk__json_string(json, text, strlen(text));
}

void husk__json_u64(struct husk__json *json, uint64_t value)
{
    before(json);
    bool quoted = value > EXACT_MAX;
    if (quoted)
        husk__out_char(json->out, '"');
    husk__out_u64(json->out, value);
    if (quoted)
        husk__out_char(json->out, '"');
}

void husk__json_number(struct husk__json *json, uint64_t value)
{
    before(json);
    husk__out_u64(json->out, value);
}

void husk__json_i64(struct husk__json *json, int64_t value)
{
    before(json);
    bool quoted = value > (int64_t)EXACT_MAX || value < -(int64_t)EXACT_MAX;
    if (quoted)
        husk__out_char(json->out, '"');
    husk__out_i64(json->out, value);
    if (quoted)
        husk__out_char(json->out, '"');
}

void husk__json_hex(struct husk__json *json, uint64_t value)
{
    before(json);
    husk__out_char(json->out, '"');
    husk__out_hex(json->out, value);
    husk__out_char(json->out, '"');
}

void husk__json_null(struct husk__json *json)
{
    before(json);
    husk__out_text(json->out, "null");
}

void husk__json_bool(struct husk__json *json, bool value)
{
    before(json);
    husk__out_text(json->out, value ? "true" : "false");
}
