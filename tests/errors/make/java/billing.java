//== com/acme/billing/TaxException.java
package com.acme.billing;

public class TaxException extends Exception {
    public TaxException(String message) {
        super(message);
    }
}
//== com/acme/billing/Invoice.java
package com.acme.billing;

import java.math.BigDecimal;
import java.util.Iterator;
import java.util.List;
⟦+⟧

public class Invoice {
    BigDecimal net;
    List<BigDecimal> lines = List.of();

    enum State { DRAFT, SENT }
⟦+⟧
    BigDecimal gross(BigDecimal rate) {
        return net.multiply(rate);
    }

    BigDecimal last() {
        Iterator<BigDecimal> at = lines.iterator();
        return at.next();
    }

    State state(String name) {
        return State.valueOf(name);
    }

    BigDecimal perLine(int count) {
        return BigDecimal.TEN.divide(BigDecimal.valueOf(count));
    }
}
//== com/acme/billing/TaxTable.java
package com.acme.billing;

import java.util.Map;
⟦+⟧

public class TaxTable {
    private final Map<String, Double> rates = Map.of("DE", 0.19);

    double rate(String country) throws TaxException {
        ⟦a=Double rate = rates.get(country);|Double rate = raw(country);|Double rate = rates.get(country);⟧
        if (rate == null) throw new TaxException("no tax rate for country " + country);
        return rate;
    }

    private Double raw(String country) {
        return rates.get(country);
    }
⟦+⟧
    void freeze(String country) {
        rates.put(country, 0.2);
    }
}
//== com/acme/billing/Biller.java
package com.acme.billing;

import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.Collectors;
⟦+⟧

public class Biller {
    private final TaxTable taxes = new TaxTable();

    public double ⟦t=taxOf|taxFor|taxOf⟧(String country) throws TaxException {
        return taxes.rate(country);
    }

    public double quote(String country) throws TaxException {
        return ⟦t=taxOf|taxFor|taxOf⟧(country);
    }
⟦+⟧
    public void run(String country) {
        try {
            taxes.rate(country);
        } catch (TaxException e) {
            throw new RuntimeException(e);
        }
    }

    public BigDecimal gross() {
        return new Invoice().gross(BigDecimal.ONE);
    }

    public List<BigDecimal> grossAll() {
        return List.of(1).stream().map(⟦n=n|i|at⟧ -> gross()).collect(Collectors.toList());
    }

    public BigDecimal last() {
        return ⟦la=new Invoice().last()|lastOf(new Invoice())|new Invoice().last()⟧;
    }

    private BigDecimal lastOf(Invoice invoice) {
        return invoice.last();
    }
⟦+⟧
    public void state(String name) {
        new Invoice().state(name);
    }

    public void split() {
        new Invoice().perLine(3);
    }

    public void freeze(String country) {
        Supplier<Integer> task = () -> {
            taxes.freeze(country);
            return 1;
        };
        task.get();
    }

    public LocalDate due(String text) {
        return LocalDate.parse(text);
    }

    public int depth(int n) {
        return depth(n + 1) + 1;
    }

    public char initial(String name) {
        return name.charAt(name.length());
    }
}
//== Run.java
import com.acme.billing.Biller;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;

public class Run {
    static void start(Report.Call call) throws Throwable {
        ⟦st=call.run();|proxied(call);|pooled(call);⟧
    }

    static void proxied(Report.Call call) throws Throwable {
        Report.Call proxy = (Report.Call) java.lang.reflect.Proxy.newProxyInstance(
            Run.class.getClassLoader(), new Class<?>[] { Report.Call.class }, (self, method, args) -> {
                try {
                    return method.invoke(call, args);
                } catch (java.lang.reflect.InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        proxy.run();
    }

    static void pooled(Report.Call call) throws Throwable {
        ExecutorService pool = Executors.newSingleThreadExecutor();
        try {
            pool.submit(() -> {
                try {
                    call.run();
                } catch (Exception e) {
                    throw e;
                } catch (Throwable e) {
                    throw (Error) e;
                }
                return null;
            }).get();
        } catch (java.util.concurrent.ExecutionException e) {
            throw e.getCause();
        } finally {
            pool.shutdown();
        }
    }

    public static void main(String[] args) {
        Biller biller = new Biller();
        Report.report("country-without-tax", () -> start(() -> ⟦biller.quote(Report.word())|biller.quote(Report.word())|biller.run(Report.word())⟧));
        Report.report("invoice-without-net", () -> start(() -> ⟦biller.gross()|biller.grossAll()|biller.grossAll()⟧));
        Report.report("invoice-without-lines", () -> start(() -> biller.last()));
        Report.report("invoice-state-unknown", () -> start(() -> biller.state(Report.word())));
        Report.report("split-not-exact", () -> start(() -> biller.split()));
        Report.report("tax-table-frozen", () -> start(() -> biller.freeze(Report.word())));
        Report.report("due-date-malformed", () -> start(() -> biller.due(Report.word())));
        Report.report("name-past-its-end", () -> start(() -> biller.initial(Report.word())));
        Report.report("depth-without-end", () -> start(() -> biller.depth(0)));
    }
}
