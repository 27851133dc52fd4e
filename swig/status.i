/* swig/status.i: what a status is called. The codes themselves become a language's exceptions in its
 * errors.i, from HUSK_STATUS_LIST. */
typedef int husk_status;

%rename("status_name") husk_status_name;
%rename("status_text") husk_status_text;
const char *husk_status_name(husk_status status);
const char *husk_status_text(husk_status status);

/* Becomes the text of a language's exception. */
HUSK_HOST(husk_message)
/* Takes a format. */
HUSK_HOST(husk_fail)
