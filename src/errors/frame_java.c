/* JVM: Java, Kotlin, Scala, Groovy, Clojure. */
#include "errors/errors_inside.h"

static const char *const foreign[] = {
    /* sorted; none is the head of another */
    "akka.",
    "android.",
    "androidx.",
    "brave.",
    "cats.",
    "ch.qos.",
    "clojure.",
    "com.alibaba.",
    "com.amazonaws.",
    "com.android.",
    "com.apollographql.",
    "com.azure.",
    "com.couchbase.",
    "com.datastax.",
    "com.fasterxml.",
    "com.github.benmanes.",
    "com.google.",
    "com.graphql.",
    "com.ibm.",
    "com.intellij.",
    "com.jcraft.",
    "com.mchange.",
    "com.microsoft.",
    "com.mongodb.",
    "com.mysql.",
    "com.netflix.",
    "com.rabbitmq.",
    "com.squareup.",
    "com.sun.",
    "com.typesafe.",
    "com.zaxxer.",
    "dalvik.",
    "feign.",
    "graphql.",
    "groovy.",
    "io.grpc.",
    "io.helidon.",
    "io.ktor.",
    "io.lettuce.",
    "io.micrometer.",
    "io.micronaut.",
    "io.netty.",
    "io.opentelemetry.",
    "io.projectreactor.",
    "io.quarkus.",
    "io.r2dbc.",
    "io.reactivex.",
    "io.smallrye.",
    "io.undertow.",
    "io.vertx.",
    "jakarta.",
    "java.",
    "javassist.",
    "javax.",
    "jdk.",
    "jnr.",
    "junit.",
    "kotlin.",
    "kotlinx.",
    "liquibase.",
    "net.bytebuddy.",
    "net.logstash.",
    "net.sf.",
    "okhttp3.",
    "okio.",
    "oracle.",
    "org.aopalliance.",
    "org.apache.",
    "org.asynchttpclient.",
    "org.codehaus.",
    "org.eclipse.",
    "org.elasticsearch.",
    "org.flywaydb.",
    "org.glassfish.",
    "org.graalvm.",
    "org.h2.",
    "org.hibernate.",
    "org.hsqldb.",
    "org.infinispan.",
    "org.jboss.",
    "org.jdbi.",
    "org.jetbrains.",
    "org.jooq.",
    "org.junit.",
    "org.mariadb.",
    "org.mockito.",
    "org.mybatis.",
    "org.opensearch.",
    "org.postgresql.",
    "org.quartz.",
    "org.redisson.",
    "org.scala",
    "org.slf4j.",
    "org.springframework.",
    "org.testng.",
    "org.thymeleaf.",
    "org.wildfly.",
    "org.xerial.",
    "org.xnio.",
    "org.yaml.",
    "play.",
    "reactor.",
    "redis.clients.",
    "retrofit2.",
    "rx.",
    "scala.",
    "scalaz.",
    "software.amazon.",
    "sun.",
    "weblogic.",
    "zio.",
    "zipkin2.",
};

/* Classes that are made while the program runs: calls go through them or do not, by configuration. */
static const char *const made[] = { "$$EnhancerBy", "$$FastClassBy", "$$SpringCGLIB",   "$$Lambda",
                                    "_$$_",         "$Proxy",        "$HibernateProxy", "$MockitoMock$",
                                    "$ByteBuddy$",  "$auxiliary$",   "$$Lambda$",       "LambdaForm$" };

static struct bytes class_without_made(struct bytes class, bool *is_made)
{
    const uint8_t *dollar = bytes_find_byte(class, '$');
    *is_made = false;
    if (dollar == NULL) return class;
    if (dollar > class.ptr && dollar[-1] == '_') dollar--;
    struct bytes tail = bytes_between(dollar, bytes_end(class));
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        const uint8_t *at = bytes_find(tail, bytes_of_text(made[i]));
        if (at == NULL) continue;
        *is_made = true;
        class = bytes_between(class.ptr, at);
        if (bytes_finish(class, BYTES("."))) class.len--; /* "com.sun.proxy.$Proxy12" */
        return class;
    }
    return class;
}

/* "com.acme.Cart$Item", "com.acme.Cart$add$1" (Kotlin: code within add): the class, and the function it names. */
static struct bytes class_put(struct text_out *out, struct bytes class)
{
    struct bytes function = { 0 };
    const uint8_t *start = out->at;
    while (class.len > 0) {
        const uint8_t *dollar = bytes_find_byte(class, '$');
        struct bytes piece = dollar == NULL ? class : bytes_between(class.ptr, dollar);
        class = dollar == NULL ? bytes_from(class.ptr, 0) : bytes_between(dollar + 1, bytes_end(class));
        if (piece.len == 0 || bytes_all_digits(piece)) continue;
        if (out->at > start && (is_lower(piece.ptr[0]))) {
            if (function.len == 0 && !bytes_equal(piece, BYTES("anon")) && !bytes_equal(piece, BYTES("anonfun")) &&
                !bytes_equal(piece, BYTES("inlined"))) {
                function = piece;
            }
            continue;
        }
        if (out->at > start) text_put_byte(out, '$');
        text_put(out, piece);
    }
    return function;
}

/* "lambda$add$0", "$anonfun$add$1", "add$lambda$0", "add$default", "access$000", "add-IoAF18A": the function in it. */
static void method_put(struct text_out *out, struct bytes method)
{
    bytes_take(&method, BYTES("lambda$"));
    if (bytes_take(&method, BYTES("$anonfun$"))) {
        bytes_take(&method, BYTES("new$"));
    } else if (bytes_take(&method, BYTES("access$"))) {
        if (method.len == 0 || is_digit(method.ptr[0])) {
            text_put(out, BYTES("access"));
            return;
        }
    }
    const uint8_t *dollar = bytes_find_byte(method, '$'), *dash = bytes_find_byte(method, '-');
    if (dollar > method.ptr) method = bytes_between(method.ptr, dollar);
    if (dash > method.ptr && dash < bytes_end(method)) method = bytes_between(method.ptr, dash);
    if (bytes_all_digits(method) || bytes_equal(method, BYTES("null")) || bytes_equal(method, BYTES("new")))
        method = BYTES("<lambda>");
    text_put(out, method);
}

void frame_java(struct text_out *out, struct error_frame *frame)
{
    bool is_made = false;
    struct bytes class = class_without_made(frame->module, &is_made);
    const uint8_t *slash = bytes_find_last(class, '/'); /* "java.base/", "app//" */
    if (slash != NULL) class = bytes_between(slash + 1, bytes_end(class));
    frame->in_app = class.len > 0 && !is_made && !prefix_is_of(foreign, COUNT_OF(foreign), class);
    const uint8_t *start = out->at;
    if (!frame->in_app) { /* "GeneratedMethodAccessor123" */
        while (class.len > 0 && is_digit(class.ptr[class.len - 1])) class.len--;
    }
    struct bytes function = class_put(out, class);
    if (out->at > start) text_put_byte(out, '.');
    if (function.len > 0) {
        text_put(out, function);
    } else {
        method_put(out, frame->function);
    }
}
