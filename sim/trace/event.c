/* event.c - events as JSON, written by jansson. */
#include "sim/trace/event.h"
#include <jansson.h>
#include <math.h>
#include "models/machine/error.h"

/* What a double holds to the last digit. */
enum { FORM = JSON_COMPACT | JSON_REAL_PRECISION(17) };

static void add(json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value)) fail("no memory for an event of the trace");
}

/* The format counts in µs. Its readers cut off what is below 1 ns, so that a number must not come out a trifle below
 * the one meant: slices that follow one another would overlap. */
static json_t *microseconds(int64_t ns)
{
    if (ns % 1000 == 0) return json_integer(ns / 1000);
    double us = (double)ns / 1000;
    return json_real((int64_t)(us * 1000) < ns ? nextafter(us, INFINITY) : us);
}

static json_t *object_of(const TraceValue *value, size_t values)
{
    json_t *object = json_object();
    for (size_t i = 0; i < values; i++) {
        const double number = value[i].number;
        const int whole = fabs(number) < 0x1p53 && floor(number) == number;
        add(object, value[i].name,
            value[i].text ? json_string(value[i].text)
            : whole       ? json_integer((json_int_t)number)
                          : json_real(number));
    }
    return object;
}

static void print(FILE *out, json_t *object)
{
    json_dumpf(object, out, FORM);
    json_decref(object);
}

TraceFile trace_file_begin(FILE *out)
{
    fputs("{\"traceEvents\":[", out);
    return (TraceFile){.out = out};
}

void trace_file_event(TraceFile *file, const TraceEvent *event)
{
    const bool arrives = event->phase == TRACE_ARRIVES, arrow = arrives || event->phase == TRACE_LEAVES;
    const char phase[] = {(char)event->phase, '\0'};
    json_t *object = json_object();
    add(object, "ph", json_string(phase));
    add(object, "name", json_string(event->name));
    if (event->category) add(object, "cat", json_string(event->category));
    add(object, "pid", json_integer(event->process));
    if (event->thread) add(object, "tid", json_integer(event->thread));
    if (event->phase != TRACE_NAME) add(object, "ts", microseconds(event->begin));
    if (event->phase == TRACE_SLICE) add(object, "dur", microseconds(event->length));
    if (arrow) add(object, "id", json_integer(event->id));
    if (arrives) add(object, "bp", json_string("e")); /* in the slice there, not in the next */
    if (event->values) add(object, "args", object_of(event->value, event->values));
    fputs(file->some ? ",\n" : "\n", file->out);
    file->some = true;
    print(file->out, object);
}

void trace_file_end(TraceFile *file, const TraceValue *about, size_t values)
{
    fputs("\n],\n\"displayTimeUnit\":\"ms\",\n\"otherData\":", file->out);
    print(file->out, object_of(about, values));
    fputs("}\n", file->out);
}
