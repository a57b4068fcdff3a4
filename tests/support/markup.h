/* markup.h - a page as an XML parser reads it. */
#ifndef TESTS_SUPPORT_MARKUP_H
#define TESTS_SUPPORT_MARKUP_H

/* What the page says: entities resolved, a blank in place of each tag, blanks and ends of lines squeezed into one
 * blank. Fails the test where it is not well-formed: elements nest and end, attributes are quoted, nothing is left
 * unescaped. The caller frees it. */
char *markup_text(const char *page);

/* Calls `use` with the value, escaped as it stands, of each attribute of that name. */
void markup_each(const char *page, const char *attribute, void (*use)(void *context, const char *value),
                 void *context);

/* The text with blanks and ends of lines squeezed into one blank, in its place. */
char *markup_squeeze(char *text);
#endif
