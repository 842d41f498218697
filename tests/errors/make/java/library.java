//== org/readers/catalog/LoanException.java
package org.readers.catalog;

public class LoanException extends RuntimeException {
    public LoanException(String message) {
        super(message);
    }

    public LoanException(String message, Throwable cause) {
        super(message, cause);
    }
}
//== org/readers/catalog/OverdueException.java
package org.readers.catalog;

public class OverdueException extends LoanException {
    public OverdueException(String message) {
        super(message);
    }
}
//== org/readers/catalog/Member.java
package org.readers.catalog;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
⟦+⟧

public class Member {
    final String name;
    Deque<String> loans = new ArrayDeque<>();
    Integer limit;
    String[] cards = new String[2];

    public Member(String name) {
        this.name = name;
    }
⟦+⟧
    void ⟦al=allow|permit|allow⟧(int wanted) {
        if (wanted > 5) throw new LoanException(name + " wants " + wanted + " books, 5 are allowed");
        if (wanted < 0) throw new OverdueException(name + " has " + -wanted + " overdue books");
    }

    int left() {
        return limit - loans.size();
    }

    String latest() {
        return loans.getLast();
    }

    String card(int index) {
        return cards[index];
    }

    String email(Optional<String> address) {
        return address.get();
    }
}
//== org/readers/catalog/Shelf.java
package org.readers.catalog;

import java.net.URI;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;
⟦+⟧

public class Shelf {
    private final Map<Object, String> books = new TreeMap<>();

    void put(Object isbn, String title) {
        books.put(isbn, title);
    }

    URI cover(String isbn) {
        return URI.create("https://covers.example/" + isbn + " large");
    }

    void archive(String isbn) throws Exception {
        try {
            Class.forName("org.readers.archive." + isbn);
        } catch (ClassNotFoundException e) {
            throw new LoanException("archive is not installed for " + isbn, e);
        }
    }
}
//== org/readers/catalog/Desk.java
package org.readers.catalog;

import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
⟦+⟧

public class Desk {
    public void lend(String who, int count) {
        new Member(who).⟦al=allow|permit|allow⟧(count);
    }

    public void lendAtKiosk(String who, int count) {
        ⟦ki=lend(who, count);|scan(who, count);|lend(who, count);⟧
    }

    private void scan(String who, int count) {
        lend(who, count);
    }
⟦+⟧
    public int left(String who) {
        return new Member(who).left();
    }

    public int leftOfAll(List<String> all) {
        return all.stream().mapToInt(⟦w=who|m|each⟧ -> left(⟦w=who|m|each⟧)).sum();
    }

    public String latest(String who) {
        return ⟦la=new Member(who).latest()|newest(new Member(who))|new Member(who).latest()⟧;
    }

    private String newest(Member member) {
        return member.latest();
    }
⟦+⟧
    public String card(String who, int index) {
        return new Member(who).card(index);
    }

    public String remind(String who) {
        return new Member(who).email(Optional.empty());
    }

    public void remindAll(List<String> all) {
        for (String who : all) remind(who);
    }

    public void sort() {
        Shelf shelf = new Shelf();
        shelf.put("978", "a");
        shelf.put(978, "b");
    }

    public void cover(String isbn) {
        new Shelf().cover(isbn);
    }

    public void archive(String isbn) throws Exception {
        new Shelf().archive(isbn);
    }
}
//== Run.java
import java.util.List;
import org.readers.catalog.Desk;

public class Run {
    static void start(Report.Call call) throws Throwable {
        ⟦st=call.run();|filtered(call);|pooled(call);⟧
    }

    static void filtered(Report.Call call) throws Throwable {
        call.run();
    }

    static void pooled(Report.Call call) throws Throwable {
        try {
            java.util.concurrent.CompletableFuture.runAsync(() -> {
                try {
                    call.run();
                } catch (RuntimeException e) {
                    throw e;
                } catch (Throwable e) {
                    throw new RuntimeException(e);
                }
            }).get();
        } catch (java.util.concurrent.ExecutionException e) {
            throw e.getCause();
        }
    }

    public static void main(String[] args) {
        Desk desk = new Desk();
        Report.report("too-many-books", () -> start(() -> ⟦desk.lend(Report.word(), Report.number(6, 99))|desk.lendAtKiosk(Report.word(), Report.number(6, 99))|desk.lendAtKiosk(Report.word(), Report.number(6, 99))⟧));
        Report.report("books-overdue", () -> start(() -> ⟦desk.lend(Report.word(), -Report.number(1, 9))|desk.lendAtKiosk(Report.word(), -Report.number(1, 9))|desk.lendAtKiosk(Report.word(), -Report.number(1, 9))⟧));
        Report.report("member-without-limit", () -> start(() -> ⟦desk.left(Report.word())|desk.leftOfAll(List.of(Report.word()))|desk.leftOfAll(List.of(Report.word()))⟧));
        Report.report("member-without-loans", () -> start(() -> desk.latest(Report.word())));
        Report.report("card-index", () -> start(() -> desk.card(Report.word(), Report.number(2, 99))));
        Report.report("member-without-email", () -> start(() -> ⟦desk.remind(Report.word())|desk.remindAll(List.of(Report.word()))|desk.remindAll(List.of(Report.word()))⟧));
        Report.report("isbn-of-two-classes", () -> start(desk::sort));
        Report.report("cover-address-malformed", () -> start(() -> desk.cover(Report.word())));
        Report.report("archive-not-installed", () -> start(() -> desk.archive(Report.word())));
    }
}
