/* The XML of S3's answers: what it says, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xml.h"

/* "+root +a -a=text -root=" */
static bool events(struct bytes input, char out[512], struct err *err)
{
    struct xml xml;
    enum xml_event event;
    size_t len = 0;
    out[0] = 0;
    xml_init(&xml, input);
    while ((event = xml_next(&xml, err)) == XML_OPEN || event == XML_CLOSE) {
        int more = event == XML_OPEN ? snprintf(out + len, 512 - len, "+%.*s ", (int)xml.name.len, xml.name.ptr)
                                     : snprintf(out + len, 512 - len, "-%.*s=%.*s ", (int)xml.name.len, xml.name.ptr,
                                                (int)xml.text.len, (const char *)xml.text.ptr);
        assert_true(more > 0 && len + (size_t)more < 512);
        len += (size_t)more;
    }
    xml_deinit(&xml);
    return event == XML_END;
}

/* Goal: elements, their order and their text come out as they went in. Method: what S3 servers write, and odd forms. */
static void test_events(void **state)
{
    (void)state;
    static const struct {
        const char *input, *expected;
    } cases[] = {
        { "<a/>", "+a -a= " },
        { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a xmlns=\"http://s3/x>y/\"><b>t</b><b/></a>\n",
          "+a +b -b=t +b -b= -a= " },
        { "<s3:a><s3:b>1 &lt; 2 &amp;&#x26;&#38; &quot;&apos;&gt;</s3:b></s3:a>", "+a +b -b=1 < 2 &&& \"'> -a= " },
        { "<a>x<!-- no <tag> --><![CDATA[<&>]]>y</a>", "+a -a=x<&>y " },
        { "<a>left<b>in</b>right</a>", "+a +b -b=in -a= " },
        { "<a>&#233;&#x20ac;&#x1f600;</a>", "+a -a=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 " },
        { "<a > <b c='/>'  /> </a >", "+a +b -b= -a= " },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = { 0 };
        char out[512];
        if (!events(bytes_of_text(cases[i].input), out, &err)) fail_msg("%s: %s", cases[i].input, err.text);
        assert_string_equal(out, cases[i].expected);
    }
}

/* Goal: what is no XML, is cut or wants too much is refused with words. Method: one of each, and every cut of a good one. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       " ",
                                       "text",
                                       "<",
                                       "<a",
                                       "<a>",
                                       "</a>",
                                       "<a></b>",
                                       "<a/><b/>",
                                       "<a/>text",
                                       "<a>&unknown;</a>",
                                       "<a>&#0;</a>",
                                       "<a>&#xD800;</a>",
                                       "<a>&#x110000;</a>",
                                       "<a>&amp</a>",
                                       "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
                                       "<a><![CDATA[x</a>",
                                       "<a><b></a></b>",
                                       "< a/>",
                                       "<a b=\"></a>",
                                       "<a <b/>></a>",
                                       "&amp;<a/>" };
    char out[512];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = { 0 };
        if (events(bytes_of_text(bad[i]), out, &err)) fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERR_PROTOCOL);
        assert_true(strlen(err.text) > 10);
    }
    static const char good[] = "<?xml version=\"1.0\"?><a><b>t&amp;</b><!--c--><d/></a>";
    for (size_t len = 0; len < sizeof good - 1; len++) {
        struct err err = { 0 };
        if (events(bytes_from(good, len), out, &err)) fail_msg("a cut at %zu was taken", len);
    }
    struct err nul_err = { 0 };
    assert_false(events(BYTES("<a>x\0y</a>"), out, &nul_err));
    char deep[8 * (XML_DEPTH_MAX + 1)] = "";
    struct err err = { 0 };
    for (int i = 0; i < XML_DEPTH_MAX; i++) strcat(deep, "<a>");
    for (int i = 0; i < XML_DEPTH_MAX; i++) strcat(deep, "</a>");
    assert_true(events(bytes_of_text(deep), out, &err));
    memmove(deep + 3, deep, strlen(deep) + 1);
    assert_false(events(bytes_of_text(deep), out, &err));
}

/* Goal: text that we write is read as it was. Method: every byte that may stand in a key. */
static void test_put_text(void **state)
{
    (void)state;
    uint8_t all[255];
    struct buf out;
    struct xml xml;
    struct err err = { 0 };
    for (size_t i = 0; i < sizeof all; i++) all[i] = (uint8_t)(i + 1);
    buf_init(&out, 4096);
    assert_true(buf_add(&out, "<a>", 3) && xml_put_text(&out, bytes_from(all, sizeof all)) && buf_add(&out, "</a>", 4));
    xml_init(&xml, buf_bytes(&out));
    assert_int_equal(xml_next(&xml, &err), XML_OPEN);
    assert_int_equal(xml_next(&xml, &err), XML_CLOSE);
    assert_true(bytes_equal(xml.text, bytes_from(all, sizeof all)));
    xml_deinit(&xml);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_put_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
