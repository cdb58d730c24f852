/* Stands in for the kernel's MIDI sequencer where a machine has none (no /dev/snd/seq, as in most containers).
 *
 * qtractor does not start without one. Its MIDI ports are no part of our journey, so here the sequencer opens, gives
 * out ports and queues, takes every event and never has one. It must not touch anything else: sound, plugins and
 * windows are qtractor's own. Built and preloaded by `plugin_qtractor.rs`; where there is a sequencer it is not used.
 *
 *     cc -shared -fPIC -o no_sequencer.so no_sequencer.c        then LD_PRELOAD=./no_sequencer.so qtractor
 */

#include <alsa/asoundlib.h>
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct _snd_seq {
    /* Can be waited for, and never has anything. */
    int never;
    int ports;
    int queues;
};

static struct _snd_seq only;

int snd_seq_open(snd_seq_t **seq, const char *name, int streams, int mode) {
    (void)name, (void)streams, (void)mode;
    only.never = eventfd(0, EFD_CLOEXEC);
    if (only.never < 0)
        return -errno;
    *seq = &only;
    return 0;
}

int snd_seq_close(snd_seq_t *seq) {
    return close(seq->never);
}

int snd_seq_client_id(snd_seq_t *seq) {
    (void)seq;
    /* The first number that a program gets. */
    return 128;
}

int snd_seq_create_simple_port(snd_seq_t *seq, const char *name, unsigned int can, unsigned int type) {
    (void)name, (void)can, (void)type;
    return seq->ports++;
}

int snd_seq_alloc_queue(snd_seq_t *seq) {
    return seq->queues++;
}

int snd_seq_poll_descriptors_count(snd_seq_t *seq, short events) {
    (void)seq, (void)events;
    return 1;
}

int snd_seq_poll_descriptors(snd_seq_t *seq, struct pollfd *found, unsigned int room, short events) {
    (void)events;
    if (room == 0)
        return 0;
    *found = (struct pollfd){.fd = seq->never, .events = POLLIN};
    return 1;
}

int snd_seq_event_input(snd_seq_t *seq, snd_seq_event_t **event) {
    (void)seq;
    *event = NULL;
    return -EAGAIN;
}

/* What is taken and has no effect. */
#define DONE(call, ...) \
    int call(__VA_ARGS__) { \
        return 0; \
    }

#pragma GCC diagnostic ignored "-Wunused-parameter"
DONE(snd_seq_set_client_name, snd_seq_t *seq, const char *name)
DONE(snd_seq_delete_simple_port, snd_seq_t *seq, int port)
DONE(snd_seq_get_port_info, snd_seq_t *seq, int port, snd_seq_port_info_t *info)
DONE(snd_seq_set_port_info, snd_seq_t *seq, int port, snd_seq_port_info_t *info)
DONE(snd_seq_subscribe_port, snd_seq_t *seq, snd_seq_port_subscribe_t *wish)
DONE(snd_seq_unsubscribe_port, snd_seq_t *seq, snd_seq_port_subscribe_t *wish)
DONE(snd_seq_free_queue, snd_seq_t *seq, int queue)
DONE(snd_seq_control_queue, snd_seq_t *seq, int queue, int type, int value, snd_seq_event_t *event)
DONE(snd_seq_get_queue_status, snd_seq_t *seq, int queue, snd_seq_queue_status_t *status)
DONE(snd_seq_get_queue_tempo, snd_seq_t *seq, int queue, snd_seq_queue_tempo_t *tempo)
DONE(snd_seq_set_queue_tempo, snd_seq_t *seq, int queue, snd_seq_queue_tempo_t *tempo)
DONE(snd_seq_set_queue_timer, snd_seq_t *seq, int queue, snd_seq_queue_timer_t *timer)
DONE(snd_seq_event_output, snd_seq_t *seq, snd_seq_event_t *event)
DONE(snd_seq_event_output_direct, snd_seq_t *seq, snd_seq_event_t *event)
DONE(snd_seq_event_input_pending, snd_seq_t *seq, int fetch)
DONE(snd_seq_drain_output, snd_seq_t *seq)
DONE(snd_seq_drop_output, snd_seq_t *seq)
DONE(snd_seq_drop_input, snd_seq_t *seq)
DONE(snd_seq_remove_events, snd_seq_t *seq, snd_seq_remove_events_t *which)

/* Whoever asks for other programs' ports finds none. */
#define NONE(call, ...) \
    int call(__VA_ARGS__) { \
        return -ENOENT; \
    }

NONE(snd_seq_get_any_client_info, snd_seq_t *seq, int client, snd_seq_client_info_t *info)
NONE(snd_seq_get_any_port_info, snd_seq_t *seq, int client, int port, snd_seq_port_info_t *info)
NONE(snd_seq_query_next_client, snd_seq_t *seq, snd_seq_client_info_t *info)
NONE(snd_seq_query_next_port, snd_seq_t *seq, snd_seq_port_info_t *info)
NONE(snd_seq_query_port_subscribers, snd_seq_t *seq, snd_seq_query_subscribe_t *query)
