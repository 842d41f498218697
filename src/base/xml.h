/* xml.h -- the little of XML that S3 answers with: elements in elements, text in the innermost.
 *
 *   <Contents><Key>a&amp;b</Key></Contents>  --xml_next-->  OPEN Contents, OPEN Key, CLOSE Key "a&b", CLOSE Contents ""
 *
 * Names come without their prefix ("s3:Key" is "Key"); attributes, comments and processing instructions are passed over;
 * CDATA and the five entities and numeric characters become text. A DOCTYPE is refused: nobody needs one here, and what
 * it can do to a reader is known.
 * Thread: a value of one owner. Memory: the text of one element, at most XML_TEXT_BYTES_MAX; names are borrowed from the
 * input, text until the next step. Errors: ERR_PROTOCOL with the byte where it stopped: unbalanced, cut, too deep, a NUL.
 * Source: XML 1.0, sections 2 to 4. */
#pragma once
#include "base/bytes.h"
#include "base/err.h"

enum { XML_DEPTH_MAX = 16, XML_TEXT_BYTES_MAX = 64 * 1024 };
enum xml_event { XML_OPEN, XML_CLOSE, XML_END, XML_BAD };

struct xml {
    /* of the last event: depth 1 is the root */
    struct bytes name;
    struct bytes text; /* CLOSE of an element without elements in it; else empty */
    uint32_t depth;

    struct bytes input, names[XML_DEPTH_MAX];
    size_t at;
    uint32_t open_count;
    bool is_leaf, is_empty_tag, has_root;
    struct buf collected;
};
void xml_init(struct xml *xml, struct bytes input);
void xml_deinit(struct xml *xml);
/* XML_BAD sets err; after it and after XML_END there is nothing more. */
enum xml_event xml_next(struct xml *xml, struct err *err);
static inline bool xml_name_is(const struct xml *xml, const char *name)
{
    return bytes_equal(xml->name, bytes_of_text(name));
}
/* Text as it may stand in an element; false: out is full. */
MUST_CHECK bool xml_put_text(struct buf *out, struct bytes text);
