//== com/acme/orders/OrderException.java
package com.acme.orders;

public class OrderException extends RuntimeException {
    public OrderException(String message, Throwable cause) {
        super(message, cause);
    }
}
//== com/acme/orders/StockException.java
package com.acme.orders;

public class StockException extends RuntimeException {
    public StockException(String message) {
        super(message);
    }
}
//== com/acme/orders/Order.java
package com.acme.orders;

import java.util.List;
import java.util.Map;
⟦+⟧

public class Order {
    final String id;
    String customer;
    List<String> lines = List.of();

    public Order(String id) {
        this.id = id;
    }
⟦+⟧
    public String customerKey() {
        return customer.toLowerCase();
    }

    public String firstLine() {
        return lines.get(0);
    }

    public int weight(Map<String, Integer> weights) {
        return lines.stream().mapToInt(⟦l=line|l|sku⟧ -> weights.get(⟦l=line|l|sku⟧)).sum();
    }
}
//== com/acme/orders/OrderRepository.java
package com.acme.orders;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
⟦+⟧

public class OrderRepository {
    private final Map<String, Order> orders = new HashMap<>();

    public Order find(String id) {
        return ⟦g=orders.get(id)|lookup(id)|orders.get(id)⟧;
    }

    private Order lookup(String id) {
        return orders.get(id);
    }
⟦+⟧
    public String read(String path) {
        try {
            return Files.readString(Path.of(path));
        } catch (java.io.IOException e) {
            throw new OrderException("could not read order file " + path, e);
        }
    }

    public void dropAll(List<String> ids) {
        for (String id : ids) ids.remove(id);
    }

    public Object column(Object value) {
        return (Integer) value;
    }
}
//== com/acme/orders/OrderService.java
package com.acme.orders;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
⟦+⟧

public class OrderService {
    private final OrderRepository repository = new OrderRepository();

    public String ⟦k=ship|dispatch|ship⟧(String id) {
        Order order = repository.find(id);
        ⟦chk=return label(order);|return guarded(order);|return label(order);⟧
    }

    private String guarded(Order order) {
        return label(order);
    }

    private String label(Order order) {
        return order.customerKey();
    }
⟦+⟧
    public void shipAll(List<String> ids) {
        ids.forEach(⟦i=id|one|x⟧ -> ⟦k=ship|dispatch|ship⟧(⟦i=id|one|x⟧));
    }

    public String anonymous(String id) {
        return new Order(id).customerKey();
    }

    public String preview(String id) {
        return new Order(id).firstLine();
    }

    public int freight(String sku) {
        Order order = new Order("o");
        order.lines = List.of(sku);
        return order.weight(Map.of());
    }
⟦+⟧
    public void reserve(String sku, int count, int left) {
        if (count > left) throw new StockException("sku " + sku + ": " + count + " wanted, " + left + " left");
    }

    public void reserveAll(List<String> skus) {
        for (String sku : skus) ⟦rs=reserve(sku, Report2.number(100, 900), Report2.number(1, 9));|reserveOne(sku);|reserveOne(sku);⟧
    }

    private void reserveOne(String sku) {
        reserve(sku, Report2.number(100, 900), Report2.number(1, 9));
    }

    public void importFile(String path) {
        repository.read(path);
    }

    public void importAll(String path) {
        try {
            ⟦im=importFile(path);|repository.read(path);|importFile(path);⟧
        } catch (RuntimeException e) {
            throw new IllegalStateException("import " + Report2.ident() + " failed", e);
        }
    }
⟦+⟧
    public void purge() {
        repository.dropAll(new ArrayList<>(List.of("a", "b", "c")));
    }

    public Object column() {
        return ⟦co=repository.column(Report2.word())|cast(Report2.word())|repository.column(Report2.word())⟧;
    }

    private Object cast(String text) {
        return repository.column(text);
    }

    public int quantity(String text) {
        return Integer.parseInt(text);
    }
}
//== com/acme/orders/Report2.java
package com.acme.orders;

public class Report2 {
    private static final java.util.Random RUN = new java.util.Random(Long.parseLong(System.getenv().getOrDefault("SEED", "0")) + 5);

    public static int number(int low, int high) {
        return low + RUN.nextInt(high - low);
    }

    public static String word() {
        return "sku" + number(100, 9999);
    }

    public static String ident() {
        return new java.util.UUID(RUN.nextLong(), RUN.nextLong()).toString();
    }
}
//== Run.java
import com.acme.orders.OrderService;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

public class Run {
    static void start(Report.Call call) throws Throwable {
        ⟦st=call.run();|handle(call);|pooled(call);⟧
    }

    static void one(OrderService service) {
        service.⟦k=ship|dispatch|ship⟧(Report.ident());
    }

    static void handle(Report.Call call) throws Throwable {
        call.run();
    }

    static void pooled(Report.Call call) throws Throwable {
        Throwable[] box = new Throwable[1];
        Thread thread = new Thread(() -> {
            try {
                call.run();
            } catch (Throwable error) {
                box[0] = error;
            }
        });
        thread.start();
        thread.join();
        throw box[0];
    }

    public static void main(String[] args) {
        OrderService service = new OrderService();
        Report.report("order-not-found", () -> start(() -> ⟦one(service)|service.shipAll(List.of(Report.ident()))|service.shipAll(List.of(Report.ident()))⟧));
        Report.report("order-without-customer", () -> start(() -> service.anonymous(Report.ident())));
        Report.report("order-without-lines", () -> start(() -> service.preview(Report.ident())));
        Report.report("sku-without-weight", () -> start(() -> service.freight(Report.word())));
        Report.report("stock-short", () -> start(() -> ⟦service.reserve(Report.word(), Report.number(100, 900), 3)|service.reserveAll(List.of(Report.word()))|service.reserveAll(List.of(Report.word()))⟧));
        Report.report("order-file-missing", () -> start(() -> service.importFile("/var/orders/" + Report.word() + ".xml")));
        Report.report("order-file-missing", () -> start(() -> service.importAll("/var/orders/" + Report.word() + ".xml")));
        Report.report("purge-while-iterating", () -> start(service::purge));
        Report.report("column-of-wrong-class", () -> start(service::column));
        Report.report("quantity-not-a-number", () -> start(() -> service.quantity(Report.word())));
    }
}
