/* Names of the releases. */
#include "sim/base/release.h"

#include <stddef.h>
#include <string.h>

const char *release_name(enum release release)
{
    return release == RELEASE_27 ? "2.7" : release == RELEASE_43 ? "4.3" : "any";
}

bool release_parse(const char *text, enum release *out)
{
    static const enum release all[] = { RELEASE_ANY, RELEASE_27, RELEASE_43 };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        size_t size = strlen(release_name(all[i]));

        if (!strncmp(text, release_name(all[i]), size) && (!text[size] || (i && !strcmp(text + size, ".0")))) {
            *out = all[i];
            return true;
        }
    }
    return false;
}
