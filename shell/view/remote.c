/* The view on a joined terminal: control/ carries its bytes and keys. */
#include "shell/control/control.h"
#include "shell/view/viewer.h"

struct remote_view {
    struct viewer *viewer;
    void (*closed)(void *context);
    void *context;
};

static void on_closed(void *context)
{
    struct remote_view *remote = context;

    remote->closed(remote->context);
}

struct remote_view *view_remote_open(struct shell *shell, struct session *session, struct stream *out, bool utf8, bool colours, void (*closed)(void *context),
                                     void *context)
{
    struct remote_view *remote = mem_zero(sizeof(*remote));

    remote->closed = closed;
    remote->context = context;
    remote->viewer = viewer_open(shell, session, screen_open_elsewhere(out, !utf8, colours), NULL, on_closed, remote);
    return remote;
}

void view_remote_keys(struct remote_view *view, const char *bytes, size_t size)
{
    viewer_keys(view->viewer, bytes, size);
}

void view_remote_resized(struct remote_view *view)
{
    (void)view; /* the next tick finds the new size in the stream */
}

void view_remote_close(struct remote_view *view)
{
    if (!view)
        return;
    viewer_close(view->viewer);
    mem_free(view);
}
