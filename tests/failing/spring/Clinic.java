package org.example.clinic;

import java.util.HashMap;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/**
 * A clinic with Spring: /patients/N and /visits/N read the name of somebody who is not there (NullPointerException), /beds/N counts
 * past the end. There is no telemetry in it: the Java agent adds all, as the OTEL_* variables say.
 */
@SpringBootApplication
@RestController
public class Clinic {
    private final Map<Integer, String> patients = new HashMap<>();

    private String nameOf(int number) {
        return patients.get(number).trim();
    }

    private int bedOf(int number) {
        int[] beds = new int[3];
        return beds[number];
    }

    @GetMapping("/")
    String open() {
        return "open";
    }

    @GetMapping("/patients/{number}")
    String patient(@PathVariable("number") int number) {
        return nameOf(number);
    }

    @GetMapping("/visits/{number}")
    String visit(@PathVariable("number") int number) {
        return "visit of " + nameOf(number);
    }

    @GetMapping("/beds/{number}")
    String bed(@PathVariable("number") int number) {
        return "bed " + bedOf(number);
    }

    @GetMapping("/rooms/{number}")
    String room(@PathVariable("number") int number) {
        return "room " + bedOf(number);
    }

    public static void main(String[] arguments) {
        SpringApplication.run(Clinic.class, arguments);
    }
}
