#include "chart/chart.h"
#include "ask/zone.h"
#include "base/utf8.h"
#include "chart/axis.h"
#include <cairo.h>
#include <math.h>
#include <stdio.h>

enum { WIDTH = 640, HEIGHT = 220, PIXELS = 2, PNG_BYTES_MAX = 4 << 20, TEXT_BYTES = 160 };
static const double top = 30, right = 14, bottom = 24, legend = 18, text_size = 11;

struct color {
    double red, green, blue;
};
/* The light theme's series (ui: tokens.css), told apart by people who see colours otherwise, too. */
static const struct color palette[CHART_SERIES_MAX] = { { 0.12, 0.42, 0.80 }, { 0.85, 0.37, 0.05 },
                                                        { 0.10, 0.55, 0.35 }, { 0.55, 0.30, 0.70 },
                                                        { 0.75, 0.20, 0.35 }, { 0.35, 0.45, 0.50 },
                                                        { 0.65, 0.50, 0.05 }, { 0.05, 0.55, 0.65 } };
static const struct color ink = { 0.13, 0.15, 0.18 }, quiet = { 0.40, 0.43, 0.47 }, line = { 0.88, 0.89, 0.91 },
                          mark = { 0.95, 0.55, 0.10 };

struct drawing {
    const struct chart *chart;
    cairo_t *cairo;
    struct axis values, time;
    double width, height, left, low_y; /* of the plot: from left to width - right, from top to low_y */
};

static void color_set(struct drawing *drawing, struct color color, double alpha)
{
    cairo_set_source_rgba(drawing->cairo, color.red, color.green, color.blue, alpha);
}

static double x_of(const struct drawing *drawing, double at_us)
{
    const struct axis *time = &drawing->time;
    return drawing->left + (at_us - time->low) / (time->high - time->low) * (drawing->width - right - drawing->left);
}

static double y_of(const struct drawing *drawing, double value)
{
    const struct axis *values = &drawing->values;
    return drawing->low_y - (value - values->low) / (values->high - values->low) * (drawing->low_y - top);
}

/* align: 0 begins at x, 1 ends there, 0.5 is centred. Answers how wide it is. */
static double text_put(struct drawing *drawing, double x, double y, double align, struct bytes text)
{
    char cut[TEXT_BYTES];
    cairo_text_extents_t extents;
    if (text.len == 0 || !utf8_is_valid(text)) return 0;
    size_t len = utf8_cut(text, sizeof cut - 1);
    memcpy(cut, text.ptr, len);
    cut[len] = '\0';
    cairo_text_extents(drawing->cairo, cut, &extents);
    cairo_move_to(drawing->cairo, x - extents.x_advance * align, y);
    cairo_show_text(drawing->cairo, cut);
    return extents.x_advance;
}

static void line_put(struct drawing *drawing, double x1, double y1, double x2, double y2)
{
    cairo_move_to(drawing->cairo, x1, y1);
    cairo_line_to(drawing->cairo, x2, y2);
    cairo_stroke(drawing->cairo);
}

/* ---- what the axes hold ---- */

/* Of one step: of bars the sum, for they are stacked. */
static void step_bounds(const struct chart *chart, uint32_t step, double *low, double *high)
{
    double sum = 0;
    for (uint32_t s = 0; s < chart->series_count; s++) {
        double value = chart->series[s].values[step];
        if (!isfinite(value)) continue;
        sum += value;
        *low = fmin(*low, value);
        *high = fmax(*high, chart->kind == CHART_BARS ? sum : value);
    }
}

static void axes_make(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    double low = 0, high = 0, widest = 0;
    for (uint32_t s = 0; s < chart->step_count; s++) step_bounds(chart, s, &low, &high);
    drawing->low_y = drawing->height - bottom - (chart->series_count > 1 ? legend : 0);
    axis_of_values(&drawing->values, low, high, (uint32_t)((drawing->low_y - top) / 36));
    for (uint32_t t = 0; t < drawing->values.count; t++) {
        cairo_text_extents_t extents;
        axis_value_text(drawing->values.at[t], chart->unit, drawing->values.text[t]);
        if (!utf8_is_valid(bytes_of_text(drawing->values.text[t]))) drawing->values.text[t][0] = '\0';
        cairo_text_extents(drawing->cairo, drawing->values.text[t], &extents);
        widest = fmax(widest, extents.x_advance);
    }
    drawing->left = widest + 16;
    axis_of_time(&drawing->time, chart->from_unix_us, chart->from_unix_us + chart->step_us * (int64_t)chart->step_count,
                 chart->zone, (uint32_t)fmax(2, (drawing->width - right - drawing->left) / 64));
}

static void axes_put(struct drawing *drawing)
{
    cairo_set_line_width(drawing->cairo, 1);
    for (uint32_t t = 0; t < drawing->values.count; t++) {
        double y = floor(y_of(drawing, drawing->values.at[t])) + 0.5;
        color_set(drawing, line, 1);
        line_put(drawing, drawing->left, y, drawing->width - right, y);
        color_set(drawing, quiet, 1);
        text_put(drawing, drawing->left - 6, y + 4, 1, bytes_of_text(drawing->values.text[t]));
    }
    for (uint32_t t = 0; t < drawing->time.count; t++) {
        double x = floor(x_of(drawing, drawing->time.at[t])) + 0.5;
        color_set(drawing, line, 1);
        line_put(drawing, x, drawing->low_y, x, drawing->low_y + 4);
        color_set(drawing, quiet, 1);
        /* The first and the last must not stick out. */
        double align = x < drawing->left + 16 ? 0 : x > drawing->width - right - 16 ? 1 : 0.5;
        text_put(drawing, x, drawing->low_y + 16, align, bytes_of_text(drawing->time.text[t]));
    }
}

/* ---- what is drawn ---- */

static void marks_put(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (uint32_t m = 0; m < chart->mark_count; m++) {
        double from = fmax((double)chart->marks[m].from_unix_us, drawing->time.low);
        double to = chart->marks[m].to_unix_us == 0 ? drawing->time.high : (double)chart->marks[m].to_unix_us;
        to = fmin(to, drawing->time.high);
        if (from >= to) continue;
        color_set(drawing, mark, 0.18);
        cairo_rectangle(drawing->cairo, x_of(drawing, from), top, fmax(2, x_of(drawing, to) - x_of(drawing, from)),
                        drawing->low_y - top);
        cairo_fill(drawing->cairo);
    }
}

static double step_x(const struct drawing *drawing, uint32_t step, double part)
{
    return x_of(drawing,
                (double)drawing->chart->from_unix_us + ((double)step + part) * (double)drawing->chart->step_us);
}

static void lines_put(struct drawing *drawing, uint32_t series)
{
    const double *values = drawing->chart->series[series].values;
    color_set(drawing, palette[series], 1);
    cairo_set_line_width(drawing->cairo, 1.6);
    cairo_set_line_join(drawing->cairo, CAIRO_LINE_JOIN_ROUND);
    for (uint32_t s = 0; s < drawing->chart->step_count; s++) {
        bool has_before = s > 0 && isfinite(values[s - 1]);
        bool has_next = s + 1 < drawing->chart->step_count && isfinite(values[s + 1]);
        if (!isfinite(values[s])) continue;
        double x = step_x(drawing, s, 0.5), y = y_of(drawing, values[s]);
        if (has_before) {
            cairo_line_to(drawing->cairo, x, y);
        } else {
            cairo_move_to(drawing->cairo, x, y);
        }
        if (!has_before && !has_next) { /* alone between gaps: a dot */
            cairo_arc(drawing->cairo, x, y, 1.6, 0, 2 * M_PI);
            cairo_fill(drawing->cairo);
        } else if (!has_next) {
            cairo_stroke(drawing->cairo);
        }
    }
}

static void bars_put(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    for (uint32_t s = 0; s < chart->step_count; s++) {
        double below = 0, from = step_x(drawing, s, 0.08), to = step_x(drawing, s, 0.92);
        for (uint32_t n = 0; n < chart->series_count; n++) {
            double value = chart->series[n].values[s];
            if (!isfinite(value) || value == 0) continue;
            double y = y_of(drawing, below + value), y_below = y_of(drawing, below);
            color_set(drawing, palette[n], 1);
            cairo_rectangle(drawing->cairo, from, fmin(y, y_below), fmax(0.5, to - from), fabs(y_below - y));
            cairo_fill(drawing->cairo);
            below += value;
        }
    }
}

static void legend_put(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    double x = drawing->left, y = drawing->height - 8;
    for (uint32_t s = 0; s < chart->series_count && x < drawing->width - right; s++) {
        color_set(drawing, palette[s], 1);
        cairo_rectangle(drawing->cairo, x, y - 8, 9, 9);
        cairo_fill(drawing->cairo);
        color_set(drawing, ink, 1);
        x += 14 + text_put(drawing, x + 14, y, 0, chart->series[s].name) + 16;
    }
}

static void title_put(struct drawing *drawing)
{
    cairo_select_font_face(drawing->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(drawing->cairo, text_size + 1);
    color_set(drawing, ink, 1);
    text_put(drawing, 8, 18, 0, drawing->chart->title);
    cairo_select_font_face(drawing->cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(drawing->cairo, text_size);
}

static void draw(struct drawing *drawing)
{
    const struct chart *chart = drawing->chart;
    cairo_set_source_rgb(drawing->cairo, 1, 1, 1);
    cairo_paint(drawing->cairo);
    title_put(drawing);
    axes_make(drawing);
    marks_put(drawing);
    axes_put(drawing);
    if (chart->kind == CHART_BARS) {
        bars_put(drawing);
    } else {
        for (uint32_t s = 0; s < chart->series_count; s++) lines_put(drawing, s);
    }
    if (chart->series_count > 1) legend_put(drawing);
}

static cairo_status_t write_more(void *ctx, const unsigned char *data, unsigned int len)
{
    return buf_add(ctx, data, len) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

bool chart_png(const struct chart *chart, struct arena *arena, struct bytes *png, struct err *err)
{
    struct drawing drawing = { .chart = chart };
    uint32_t width = chart->width == 0 ? WIDTH : chart->width, height = chart->height == 0 ? HEIGHT : chart->height;
    uint32_t pixels = chart->pixels == 0 ? PIXELS : chart->pixels;
    struct buf out;
    *png = bytes_from(NULL, 0);
    if (chart->series_count == 0 || chart->series_count > CHART_SERIES_MAX || chart->step_count == 0 ||
        chart->step_count > CHART_STEPS_MAX || chart->step_us <= 0 || chart->mark_count > CHART_MARKS_MAX ||
        width < 160 || width > CHART_SIDE_MAX || height < 100 || height > CHART_SIDE_MAX || pixels > 4)
        return err_set(err, ERR_INPUT, "a chart has 1 to %d series of 1 to %d steps, and sides of 160 by 100 to %d",
                       CHART_SERIES_MAX, CHART_STEPS_MAX, CHART_SIDE_MAX);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)(width * pixels), (int)(height * pixels));
    drawing.width = width;
    drawing.height = height;
    drawing.cairo = cairo_create(surface);
    cairo_scale(drawing.cairo, pixels, pixels);
    draw(&drawing);
    buf_init(&out, PNG_BYTES_MAX);
    cairo_status_t status = cairo_status(drawing.cairo);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png_stream(surface, write_more, &out);
    if (status == CAIRO_STATUS_SUCCESS) *png = arena_copy(arena, buf_bytes(&out));
    cairo_destroy(drawing.cairo);
    cairo_surface_destroy(surface);
    buf_deinit(&out);
    return status == CAIRO_STATUS_SUCCESS || err_set(err, status == CAIRO_STATUS_NO_MEMORY ? ERR_MEMORY : ERR_INTERNAL,
                                                     "could not draw a chart: %s", cairo_status_to_string(status));
}
